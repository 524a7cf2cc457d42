//! A resource.

use pipeline::proto::resource::v1::Resource;

use super::{Access, Field, fields};
use crate::target::Target;
use crate::value::Val;

#[allow(clippy::unnecessary_wraps, reason = "one shape for all contexts")]
fn item<'a>(target: &'a Target<'_>) -> Option<&'a Resource> {
    Some(target.resource)
}

#[allow(clippy::unnecessary_wraps, reason = "one shape for all contexts")]
fn item_mut<'a>(target: &'a mut Target<'_>) -> Option<&'a mut Resource> {
    Some(target.resource)
}

pub static FIELDS: &[Field] = fields! { item, item_mut;
    "attributes": map attributes,
    "dropped_attributes_count": number dropped_attributes_count,
    ;
    "schema_url" => Access::Whole {
        get: |t| Val::text(t.resource_schema_url),
        set: |t, value| {
            *t.resource_schema_url = value.into_text()?;
            Ok(())
        },
    },
};
