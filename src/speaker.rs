//! Who speaks in own log lines, metrics and spans: the resource of `service::telemetry`.

use std::collections::BTreeMap;

use config::Value;
use pipeline::ResourceSettings;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::resource::v1::Resource;

/// Who speaks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speaker {
    /// `service.name`, `service.version`, `service.instance.id` and what the configuration adds.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// The schema that they follow.
    pub schema_url: String,
}

/// The name of this run, the same from start to end: a reload does not make another process of it.
pub fn instance_id() -> String {
    let random = std::fs::read_to_string("/proc/sys/kernel/random/uuid");
    random.map_or_else(|_| std::process::id().to_string(), |uuid| uuid.trim().to_owned())
}

/// The usual attributes with those of the configuration over them; null takes one away.
pub fn of(instance_id: &str, settings: &ResourceSettings) -> Speaker {
    let usual = [
        ("service.name", "kpulse"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", instance_id),
    ];
    let mut attributes: BTreeMap<_, _> = usual.map(|(name, value)| (name.to_owned(), value.into())).into();
    for (name, value) in &settings.attributes {
        match value {
            Value::Null => drop(attributes.remove(name)),
            value => drop(attributes.insert(name.clone(), json(value))),
        }
    }
    Speaker { attributes, schema_url: settings.schema_url().to_owned() }
}

/// A value of the configuration as JSON.
pub fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => i64::try_from(*value).map_or_else(|_| Json::from(*value as f64), Json::from),
        Value::Float(value) => (*value).into(),
        Value::String(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(|item| json(&item.value)).collect(),
        Value::Map(map) => map.iter().map(|(key, node)| (key.clone(), json(&node.value))).collect(),
    }
}

/// The same as OTLP has it.
pub fn resource(speaker: &Speaker) -> Resource {
    let attributes = speaker.attributes.iter().map(|(key, value)| attribute(key, value)).collect();
    Resource { attributes, ..Resource::default() }
}

/// An attribute as OTLP has it.
pub fn attribute(key: &str, value: &serde_json::Value) -> KeyValue {
    use pipeline::proto::common::v1::{AnyValue, any_value::Value};
    let value = match value {
        serde_json::Value::Bool(value) => Value::BoolValue(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(value) => Value::IntValue(value),
            None => Value::DoubleValue(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::StringValue(text.clone()),
        other => Value::StringValue(other.to_string()),
    };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
