//! A span.

use pipeline::proto::trace::v1::Span;

use super::{Access, Field, fields, ids};
use crate::target::{Item, Target};
use crate::value::Val;

const KINDS: [&str; 6] = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];
const OLD_KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

fn item<'a>(target: &'a Target<'_>) -> Option<&'a Span> {
    match &target.item {
        Item::Span(span) | Item::SpanEvent(span, _) => Some(span),
        _ => None,
    }
}

fn item_mut<'a>(target: &'a mut Target<'_>) -> Option<&'a mut Span> {
    match &mut target.item {
        Item::Span(span) | Item::SpanEvent(span, _) => Some(span),
        _ => None,
    }
}

fn kind_name(target: &Target<'_>, names: &'static [&'static str; 6]) -> Val<'static> {
    let kind = item(target).and_then(|span| usize::try_from(span.kind).ok());
    kind.map_or(Val::Nil, |kind| Val::text(names.get(kind).copied().unwrap_or("")))
}

fn set_kind(target: &mut Target<'_>, value: Val<'static>, names: &[&str; 6]) -> Result<(), crate::Failure> {
    let name = value.into_text()?;
    let kind = names.iter().position(|known| *known == name);
    let kind = kind.ok_or_else(|| crate::Failure::from(format!("unknown span kind {name:?}")))?;
    if let Some(span) = item_mut(target) {
        span.kind = kind as i32;
    }
    Ok(())
}

pub static FIELDS: &[Field] = fields! { item, item_mut;
    "trace_id": trace_id trace_id,
    "trace_id.string": hex trace_id / 16,
    "span_id": span_id span_id,
    "span_id.string": hex span_id / 8,
    "parent_span_id": span_id parent_span_id,
    "parent_span_id.string": hex parent_span_id / 8,
    "trace_state": pairs trace_state,
    "name": text name,
    "kind": number kind,
    "start_time_unix_nano": number start_time_unix_nano,
    "end_time_unix_nano": number end_time_unix_nano,
    "start_time": time start_time_unix_nano,
    "end_time": time end_time_unix_nano,
    "attributes": map attributes,
    "dropped_attributes_count": number dropped_attributes_count,
    "dropped_events_count": number dropped_events_count,
    "dropped_links_count": number dropped_links_count,
    "flags": number flags,
    "events": items events,
    "links": items links,
    ;
    "kind.string" => Access::Whole {
        get: |t| kind_name(t, &KINDS),
        set: |t, value| set_kind(t, value, &KINDS),
    },
    "kind.deprecated_string" => Access::Whole {
        get: |t| kind_name(t, &OLD_KINDS),
        set: |t, value| set_kind(t, value, &OLD_KINDS),
    },
    "status.code" => Access::Whole {
        get: |t| item(t).map_or(Val::Nil, |span| Val::Int(span.status.as_ref().map_or(0, |s| s.code.into()))),
        set: |t, value| {
            let code = value.into_int()?;
            if let Some(span) = item_mut(t) {
                span.status.get_or_insert_default().code = code as i32;
            }
            Ok(())
        },
    },
    "status.message" => Access::Whole {
        get: |t| item(t).map_or(Val::Nil, |span| Val::text(span.status.as_ref().map_or("", |s| &s.message))),
        set: |t, value| {
            let text = value.into_text()?;
            if let Some(span) = item_mut(t) {
                span.status.get_or_insert_default().message = text;
            }
            Ok(())
        },
    },
};
