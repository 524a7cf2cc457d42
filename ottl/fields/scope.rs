//! An instrumentation scope.

use pipeline::proto::common::v1::InstrumentationScope;

use super::{Access, Field, fields};
use crate::target::Target;
use crate::value::Val;

fn item<'a>(target: &'a Target<'_>) -> Option<&'a InstrumentationScope> {
    target.scope.as_ref().map(|scope| &*scope.scope)
}

fn item_mut<'a>(target: &'a mut Target<'_>) -> Option<&'a mut InstrumentationScope> {
    target.scope.as_mut().map(|scope| &mut *scope.scope)
}

pub static FIELDS: &[Field] = fields! { item, item_mut;
    "name": text name,
    "version": text version,
    "attributes": map attributes,
    "dropped_attributes_count": number dropped_attributes_count,
    ;
    "schema_url" => Access::Whole {
        get: |t| t.scope.as_ref().map_or(Val::Nil, |scope| Val::text(scope.schema_url)),
        set: |t, value| {
            let text = value.into_text()?;
            if let Some(scope) = &mut t.scope {
                *scope.schema_url = text;
            }
            Ok(())
        },
    },
};
