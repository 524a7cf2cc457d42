//! `verbosity: detailed`: everything, as indented text.

mod logs;
mod metrics;
mod profiles;
mod traces;

use std::fmt::Write;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use pipeline::proto::resource::v1::Resource;

pub use logs::logs;
pub use metrics::metrics;
pub use profiles::profiles;
pub use traces::traces;

use super::go;

/// The text so far.
#[derive(Default)]
struct Text(String);

/// One line more.
macro_rules! line {
    // Writing to a string does not fail.
    ($text:expr, $($format:tt)*) => {{ let _ = std::fmt::Write::write_fmt(&mut $text.0, format_args!("{}\n", format_args!($($format)*))); }};
}
use line;

impl Text {
    /// A named value of a span or profile.
    fn named(&mut self, name: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "    {name:<15}: {value}");
    }

    /// Attributes below a header; a header that is indented itself indents them.
    fn attributes(&mut self, header: &str, attributes: &[KeyValue]) {
        if attributes.is_empty() {
            return;
        }
        line!(self, "{header}:");
        let indent = header.split_once("->").map_or("", |(indent, _)| indent);
        for attribute in attributes {
            line!(self, "{indent}     -> {}: {}", attribute.key, value(attribute.value.as_ref()));
        }
    }

    /// Schema, attributes and entities of a resource.
    fn resource(&mut self, schema_url: &str, resource: Option<&Resource>) {
        line!(self, "Resource SchemaURL: {schema_url}");
        let Some(resource) = resource else { return };
        self.attributes("Resource attributes", &resource.attributes);
        if !resource.entity_refs.is_empty() {
            line!(self, "Resource entity refs:");
        }
        for (index, entity) in resource.entity_refs.iter().enumerate() {
            line!(self, "     -> Entity ref #{index}:");
            line!(self, "          -> Type: {}", entity.r#type);
            if !entity.schema_url.is_empty() {
                line!(self, "          -> Schema URL: {}", entity.schema_url);
            }
            self.keys("ID keys", &entity.id_keys);
            self.keys("Description keys", &entity.description_keys);
        }
    }

    fn keys(&mut self, header: &str, keys: &[String]) {
        if keys.is_empty() {
            return;
        }
        line!(self, "          -> {header}:");
        keys.iter().for_each(|key| line!(self, "               -> {key}"));
    }

    /// Schema, name and attributes of a scope.
    fn scope(&mut self, kind: &str, schema_url: &str, scope: Option<&InstrumentationScope>) {
        line!(self, "{kind} SchemaURL: {schema_url}");
        let none = InstrumentationScope::default();
        let scope = scope.unwrap_or(&none);
        line!(self, "InstrumentationScope {} {}", scope.name, scope.version);
        self.attributes("InstrumentationScope attributes", &scope.attributes);
    }
}

/// A value with its type.
fn value(any: Option<&AnyValue>) -> String {
    let kind = match any.and_then(|any| any.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => "Empty",
        Some(Value::StringValue(_)) => "Str",
        Some(Value::BoolValue(_)) => "Bool",
        Some(Value::IntValue(_)) => "Int",
        Some(Value::DoubleValue(_)) => "Double",
        Some(Value::KvlistValue(_)) => "Map",
        Some(Value::ArrayValue(_)) => "Slice",
        Some(Value::BytesValue(_)) => "Bytes",
    };
    format!("{kind}({})", go::text(any))
}

/// The word for a number of an enumeration; nothing for one that is not known.
fn word(words: &[&'static str], number: i32) -> &'static str {
    usize::try_from(number).ok().and_then(|number| words.get(number)).copied().unwrap_or_default()
}
