//! A profile.

use pipeline::proto::profiles::v1development::{Profile, ValueType};

use super::{Access, Field, fields, ids};
use crate::Failure;
use crate::profiles::place_of;
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

fn duration(value: Val<'static>) -> Result<u64, Failure> {
    u64::try_from(value.into_int()?).map_err(|_| Failure::from("a profile has no negative duration"))
}

fn set_duration(target: &mut Target<'_>, value: Val<'static>) -> Result<(), Failure> {
    let nanos = duration(value)?;
    if let Some(profile) = item_mut(target) {
        profile.duration_nano = nanos;
    }
    Ok(())
}

/// The text that a type or unit of values is.
fn text<'a>(target: &'a Target<'_>, place: fn(&Profile) -> i32) -> Val<'a> {
    let Item::Profile(profile, named) = &target.item else { return Val::Nil };
    let found = usize::try_from(place(profile)).ok().and_then(|place| named.strings.get(place));
    found.map_or(Val::Nil, |text| Val::text(text))
}

fn set_text(target: &mut Target<'_>, value: Val<'static>, place: fn(&mut Profile) -> &mut i32) -> Result<(), Failure> {
    let text = value.into_text()?;
    if let Item::Profile(profile, named) = &mut target.item {
        *place(profile) = place_of(named.strings, &text);
    }
    Ok(())
}

/// A type of values, which is made if it is missing.
fn kind(kind: &mut Option<ValueType>) -> &mut ValueType {
    kind.get_or_insert_default()
}

macro_rules! kind {
    ($kind:ident, $part:ident) => {
        Access::Whole {
            get: |t| text(t, |profile| profile.$kind.as_ref().map_or(0, |kind| kind.$part)),
            set: |t, value| set_text(t, value, |profile| &mut kind(&mut profile.$kind).$part),
        }
    };
}

pub static FIELDS: &[Field] = fields! { item, item_mut;
    "time_unix_nano": number time_unix_nano,
    "time": time time_unix_nano,
    "period": number period,
    "profile_id": trace_id profile_id,
    "profile_id.string": hex profile_id / 16,
    "dropped_attributes_count": number dropped_attributes_count,
    "original_payload_format": text original_payload_format,
    "sample": items samples,
    ;
    "duration_unix_nano" => Access::Whole {
        get: |t| item(t).map_or(Val::Nil, |profile| Val::Int(profile.duration_nano as i64)),
        set: set_duration,
    },
    "duration" => Access::Whole {
        get: |t| item(t).map_or(Val::Nil, |profile| Val::Int(profile.duration_nano as i64)),
        set: set_duration,
    },
    "sample_type.type" => kind!(sample_type, type_strindex),
    "sample_type.unit" => kind!(sample_type, unit_strindex),
    "period_type.type" => kind!(period_type, type_strindex),
    "period_type.unit" => kind!(period_type, unit_strindex),
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
            Item::Profile(_, named) => Some(named.attributes),
            _ => None,
        },
        get_mut: |t| match &mut t.item {
            Item::Profile(_, named) => Some(named.attributes),
            _ => None,
        },
    },
};
