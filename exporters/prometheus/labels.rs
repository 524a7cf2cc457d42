//! Attributes as labels.

use std::collections::BTreeMap;
use std::fmt::Write;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue};

use super::names;

/// Labels of one series, in order.
pub type Labels = BTreeMap<String, String>;

/// Adds attributes; names that become the same are joined with `;`.
pub fn add(labels: &mut Labels, attributes: &[KeyValue]) {
    for attribute in attributes {
        let value = attribute.value.as_ref().map(text).unwrap_or_default();
        labels
            .entry(names::label(&attribute.key))
            .and_modify(|existing| {
                existing.push(';');
                existing.push_str(&value);
            })
            .or_insert(value);
    }
}

/// Adds a label where there is none of that name.
pub fn add_missing(labels: &mut Labels, name: &str, value: impl Into<String>) {
    labels.entry(name.to_owned()).or_insert_with(|| value.into());
}

/// `otel_scope_name`, `otel_scope_version` and the scope's attributes.
pub fn add_scope(labels: &mut Labels, scope: &InstrumentationScope, schema_url: &str) {
    for (name, value) in [
        ("otel_scope_name", &*scope.name),
        ("otel_scope_version", &*scope.version),
        ("otel_scope_schema_url", schema_url),
    ] {
        if !value.is_empty() {
            add_missing(labels, name, value);
        }
    }
    for attribute in &scope.attributes {
        let value = attribute.value.as_ref().map(text).unwrap_or_default();
        add_missing(labels, &format!("otel_scope_{}", names::label(&attribute.key)), value);
    }
}

/// A value as OTLP writes it in text; lists and maps as JSON.
pub fn text(any: &AnyValue) -> String {
    match &any.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        other => json(other.as_ref()).to_string(),
    }
}

fn json(value: Option<&Value>) -> serde_json::Value {
    use serde_json::Value as Json;
    let inner = |any: &AnyValue| json(any.value.as_ref());
    match value {
        None => Json::Null,
        Some(Value::StringValue(text)) => text.as_str().into(),
        Some(Value::BoolValue(value)) => (*value).into(),
        Some(Value::IntValue(value)) => (*value).into(),
        Some(Value::DoubleValue(value)) => (*value).into(),
        Some(Value::BytesValue(bytes)) => bytes.as_slice().into(),
        Some(Value::ArrayValue(list)) => list.values.iter().map(inner).collect(),
        Some(Value::KvlistValue(map)) => {
            map.values.iter().map(|kv| (kv.key.clone(), kv.value.as_ref().map_or(Json::Null, inner))).collect()
        }
        Some(Value::StringValueStrindex(index)) => (*index).into(),
    }
}

/// `{a="b",c="d"}` with `extra` last; nothing when there are none.
pub fn write(out: &mut String, labels: &Labels, extra: Option<(&str, &str)>) {
    let all = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(extra);
    let mut open = '{';
    for (name, value) in all {
        let _ = write!(out, "{open}{name}=\"");
        escape(out, value);
        out.push('"');
        open = ',';
    }
    if open == ',' {
        out.push('}');
    }
}

fn escape(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}
