//! An event of a span.

use pipeline::proto::trace::v1::span::Event;

use super::{Access, Field, fields};
use crate::Failure;
use crate::target::{Item, Target};
use crate::value::Val;

fn item<'a>(target: &'a Target<'_>) -> Option<&'a Event> {
    match &target.item {
        Item::SpanEvent(span, index) => span.events.get(*index),
        _ => None,
    }
}

fn item_mut<'a>(target: &'a mut Target<'_>) -> Option<&'a mut Event> {
    match &mut target.item {
        Item::SpanEvent(span, index) => span.events.get_mut(*index),
        _ => None,
    }
}

pub static FIELDS: &[Field] = fields! { item, item_mut;
    "time_unix_nano": number time_unix_nano,
    "time": time time_unix_nano,
    "name": text name,
    "attributes": map attributes,
    "dropped_attributes_count": number dropped_attributes_count,
    ;
    "event_index" => Access::Whole {
        get: |t| match &t.item {
            Item::SpanEvent(_, index) => Val::Int(*index as i64),
            _ => Val::Nil,
        },
        set: |_, _| Err(Failure::from("the place of an event cannot be set")),
    },
};
