//! The paths of every context: one table each, read by the compiler and by the reference page.

mod datapoint;
pub mod ids;
mod log;
mod metric;
mod profile;
mod resource;
mod scope;
mod span;
mod spanevent;

pub use metric::{attributes_of_points, points};
use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::Failure;
use super::target::{Context, Target};
use super::value::Val;

/// A path of a context.
pub struct Field {
    /// As it is written behind the context, dots included.
    pub name: &'static str,
    /// How it is reached.
    pub access: Access,
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// How a field is reached. A field that the item has not (`count` of a gauge's point) is nil, and setting it does
/// nothing.
pub enum Access {
    /// As a whole.
    Whole {
        /// Its value.
        get: for<'a> fn(&'a Target<'_>) -> Val<'a>,
        /// Sets it.
        set: fn(&mut Target<'_>, Val<'static>) -> Result<(), Failure>,
    },
    /// Keys reach into the map.
    Map {
        /// The map.
        get: for<'a> fn(&'a Target<'_>) -> Option<&'a Vec<KeyValue>>,
        /// The map, to change.
        get_mut: for<'a> fn(&'a mut Target<'_>) -> Option<&'a mut Vec<KeyValue>>,
    },
    /// A text of `key=value` pairs; a key reaches one of them.
    Pairs {
        /// The text.
        get: for<'a> fn(&'a Target<'_>) -> Option<&'a String>,
        /// The text, to change.
        get_mut: for<'a> fn(&'a mut Target<'_>) -> Option<&'a mut String>,
    },
    /// Keys reach into the value if it is a map or a list.
    Any {
        /// The value.
        get: for<'a> fn(&'a Target<'_>) -> Option<&'a AnyValue>,
        /// The value, to change.
        get_mut: for<'a> fn(&'a mut Target<'_>) -> Option<&'a mut AnyValue>,
    },
}

/// What every context has for notes.
pub static CACHE: Field =
    Field { name: "cache", access: Access::Map { get: |t| Some(&t.cache), get_mut: |t| Some(&mut t.cache) } };

/// The fields of a context.
pub fn of(context: Context) -> &'static [Field] {
    match context {
        Context::Resource => resource::FIELDS,
        Context::Scope => scope::FIELDS,
        Context::Span => span::FIELDS,
        Context::SpanEvent => spanevent::FIELDS,
        Context::Metric => metric::FIELDS,
        Context::DataPoint => datapoint::FIELDS,
        Context::Log => log::FIELDS,
        Context::Profile => profile::FIELDS,
    }
}

/// Rows of a table of fields. `$item` is the way from a target to what has the fields (an `Option`).
macro_rules! fields {
    (@text $item:path, $item_mut:path, $field:ident) => {
        $crate::fields::Access::Whole {
            get: |t| $item(t).map_or(Val::Nil, |item| Val::text(&item.$field)),
            set: |t, value| {
                let text = value.into_text()?;
                if let Some(item) = $item_mut(t) {
                    item.$field = text;
                }
                Ok(())
            },
        }
    };
    (@number $item:path, $item_mut:path, $field:ident) => {
        $crate::fields::Access::Whole {
            get: |t| $item(t).map_or(Val::Nil, |item| Val::Int(item.$field as i64)),
            set: |t, value| {
                let int = value.into_int()?;
                if let Some(item) = $item_mut(t) {
                    // Wraps, as in the Collector.
                    item.$field = int as _;
                }
                Ok(())
            },
        }
    };
    (@time $item:path, $item_mut:path, $field:ident) => {
        $crate::fields::Access::Whole {
            get: |t| $item(t).map_or(Val::Nil, |item| Val::moment(item.$field)),
            set: |t, value| {
                let nanos = value.into_unix_nanos()?;
                if let Some(item) = $item_mut(t) {
                    item.$field = nanos;
                }
                Ok(())
            },
        }
    };
    (@map $item:path, $item_mut:path, $field:ident) => {
        $crate::fields::Access::Map {
            get: |t| $item(t).map(|item| &item.$field),
            get_mut: |t| $item_mut(t).map(|item| &mut item.$field),
        }
    };
    (@pairs $item:path, $item_mut:path, $field:ident) => {
        $crate::fields::Access::Pairs {
            get: |t| $item(t).map(|item| &item.$field),
            get_mut: |t| $item_mut(t).map(|item| &mut item.$field),
        }
    };
    (@items $item:path, $item_mut:path, $field:ident) => {
        $crate::fields::Access::Whole {
            get: |t| $item(t).map_or(Val::Nil, |item| Val::Items(item.$field.len())),
            set: |_, _| Err($crate::Failure::from("such a list cannot be set")),
        }
    };
    (@trace_id $item:path, $item_mut:path, $field:ident) => {
        $crate::fields::Access::Whole {
            get: |t| $item(t).map_or(Val::Nil, |item| Val::TraceId(ids::fixed(&item.$field))),
            set: |t, value| {
                let id = ids::trace(&value)?;
                if let Some(item) = $item_mut(t) {
                    item.$field = id;
                }
                Ok(())
            },
        }
    };
    (@span_id $item:path, $item_mut:path, $field:ident) => {
        $crate::fields::Access::Whole {
            get: |t| $item(t).map_or(Val::Nil, |item| Val::SpanId(ids::fixed(&item.$field))),
            set: |t, value| {
                let id = ids::span(&value)?;
                if let Some(item) = $item_mut(t) {
                    item.$field = id;
                }
                Ok(())
            },
        }
    };
    (@hex $item:path, $item_mut:path, $field:ident / $length:literal) => {
        $crate::fields::Access::Whole {
            get: |t| $item(t).map_or(Val::Nil, |item| Val::owned(ids::hex(&ids::fixed::<$length>(&item.$field)))),
            set: |t, value| {
                let id = ids::parse_hex::<$length>(&value.into_text()?)?;
                if let Some(item) = $item_mut(t) {
                    item.$field = id;
                }
                Ok(())
            },
        }
    };
    (
        $item:path, $item_mut:path;
        $($name:literal: $kind:ident $field:ident $(/ $length:literal)?,)*
        $(; $($own:literal => $access:expr,)*)?
    ) => {
        &[
            $($crate::fields::Field {
                name: $name,
                access: $crate::fields::fields!(@$kind $item, $item_mut, $field $(/ $length)?),
            },)*
            $($($crate::fields::Field { name: $own, access: $access },)*)?
        ]
    };
}
use fields;
