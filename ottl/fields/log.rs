//! A log record.

use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::logs::v1::LogRecord;

use super::{Access, Field, fields, ids};
use crate::strings::as_text;
use crate::target::{Item, Target};
use crate::value::Val;

fn item<'a>(target: &'a Target<'_>) -> Option<&'a LogRecord> {
    match &target.item {
        Item::Log(record) => Some(record),
        _ => None,
    }
}

fn item_mut<'a>(target: &'a mut Target<'_>) -> Option<&'a mut LogRecord> {
    match &mut target.item {
        Item::Log(record) => Some(record),
        _ => None,
    }
}

static EMPTY: AnyValue = AnyValue { value: None };

pub static FIELDS: &[Field] = fields! { item, item_mut;
    "time_unix_nano": number time_unix_nano,
    "observed_time_unix_nano": number observed_time_unix_nano,
    "time": time time_unix_nano,
    "observed_time": time observed_time_unix_nano,
    "severity_number": number severity_number,
    "severity_text": text severity_text,
    "attributes": map attributes,
    "dropped_attributes_count": number dropped_attributes_count,
    "flags": number flags,
    "trace_id": trace_id trace_id,
    "trace_id.string": hex trace_id / 16,
    "span_id": span_id span_id,
    "span_id.string": hex span_id / 8,
    "event_name": text event_name,
    ;
    "body" => Access::Any {
        get: |t| item(t).map(|record| record.body.as_ref().unwrap_or(&EMPTY)),
        get_mut: |t| item_mut(t).map(|record| record.body.get_or_insert_default()),
    },
    "body.string" => Access::Whole {
        get: |t| item(t).map_or(Val::Nil, |record| Val::Text(as_text(&Val::of(record.body.as_ref())))),
        set: |t, value| {
            let text = value.into_text()?;
            if let Some(record) = item_mut(t) {
                *record.body.get_or_insert_default() = AnyValue { value: Some(Value::StringValue(text)) };
            }
            Ok(())
        },
    },
};
