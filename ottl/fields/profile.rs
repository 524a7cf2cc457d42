//! A profile.

use pipeline::proto::profiles::v1development::Profile;

use super::{Access, Field, fields, ids};
use crate::target::{Item, Target};
use crate::value::Val;

fn item<'a>(target: &'a Target<'_>) -> Option<&'a Profile> {
    match &target.item {
        Item::Profile(profile, _) => Some(profile),
        _ => None,
    }
}

fn item_mut<'a>(target: &'a mut Target<'_>) -> Option<&'a mut Profile> {
    match &mut target.item {
        Item::Profile(profile, _) => Some(profile),
        _ => None,
    }
}

pub static FIELDS: &[Field] = fields! { item, item_mut;
    "time_unix_nano": number time_unix_nano,
    "time": time time_unix_nano,
    "duration_unix_nano": number duration_nano,
    "duration": time duration_nano,
    "period": number period,
    "profile_id": trace_id profile_id,
    "profile_id.string": hex profile_id / 16,
    "dropped_attributes_count": number dropped_attributes_count,
    "original_payload_format": text original_payload_format,
    ;
    "original_payload" => Access::Whole {
        get: |t| item(t).map_or(Val::Nil, |profile| Val::Bytes((&*profile.original_payload).into())),
        set: |t, value| match value {
            Val::Bytes(bytes) => {
                if let Some(profile) = item_mut(t) {
                    profile.original_payload = bytes.into_owned();
                }
                Ok(())
            }
            other => Err(other.unexpected("bytes")),
        },
    },
    "attribute_indices" => Access::Whole {
        get: |t| item(t).map_or(Val::Nil, |p| Val::ints(p.attribute_indices.iter().map(|index| i64::from(*index)))),
        set: |_, _| Err(crate::Failure::from("set attributes, which are found by their names")),
    },
    "attributes" => Access::Map {
        get: |t| match &t.item {
            Item::Profile(_, attributes) => Some(attributes),
            _ => None,
        },
        get_mut: |t| match &mut t.item {
            Item::Profile(_, attributes) => Some(attributes),
            _ => None,
        },
    },
};
