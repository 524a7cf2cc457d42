//! Attributes as labels.

use std::collections::BTreeMap;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue};

use super::format::Style;
use super::names;

/// Labels of one series, in order.
pub type Labels = BTreeMap<String, String>;

/// Adds attributes; names that become the same are joined with `;`.
pub fn add(labels: &mut Labels, attributes: &[KeyValue], utf8: bool) {
    for attribute in attributes {
        let value = attribute.value.as_ref().map(text).unwrap_or_default();
        join(labels, names::label(&attribute.key, utf8), value);
    }
}

/// Labels for scrapers that take plain names only.
fn escaped(labels: &Labels) -> Labels {
    let mut all = Labels::new();
    labels.iter().for_each(|(name, value)| join(&mut all, names::escaped(name, false), value.clone()));
    all
}

fn join(labels: &mut Labels, name: String, value: String) {
    labels
        .entry(name)
        .and_modify(|existing| {
            existing.push(';');
            existing.push_str(&value);
        })
        .or_insert(value);
}

/// Adds a label where there is none of that name.
pub fn add_missing(labels: &mut Labels, name: &str, value: impl Into<String>) {
    labels.entry(name.to_owned()).or_insert_with(|| value.into());
}

/// `otel_scope_name`, `otel_scope_version` and the scope's attributes.
pub fn add_scope(labels: &mut Labels, scope: &InstrumentationScope, schema_url: &str, utf8: bool) {
    for (name, value) in [
        ("otel_scope_name", &*scope.name),
        ("otel_scope_version", &*scope.version),
        ("otel_scope_schema_url", schema_url),
    ] {
        if !value.is_empty() {
            add_missing(labels, name, value);
        }
    }
    let of_scope = |attribute: &&KeyValue| !["name", "version", "schema_url"].contains(&&*attribute.key);
    for attribute in scope.attributes.iter().filter(of_scope) {
        let value = attribute.value.as_ref().map(text).unwrap_or_default();
        add_missing(labels, &names::label(&format!("otel_scope_{}", attribute.key), utf8), value);
    }
}

/// A value as OTLP writes it in text; lists and maps as JSON.
pub fn text(any: &AnyValue) -> String {
    match &any.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => pipeline::double_text(*value),
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

/// `{a="b",c="d"}` behind a name, with `extra` last; nothing when there are none. A name that is not plain stands within
/// the brackets, in quotes, where scrapers take that, and is escaped elsewhere.
pub fn write(out: &mut String, name: &str, labels: &Labels, extra: Option<(&str, &str)>, style: Style) {
    let mut open = '{';
    if name.is_empty() || names::is_plain(name, true) {
        out.push_str(name);
    } else if style.quotes {
        out.push_str("{\"");
        escape(out, name);
        out.push('"');
        open = ',';
    } else {
        out.push_str(&names::escaped(name, true));
    }
    let escaped = (!style.quotes && !labels.keys().all(|name| names::is_plain(name, false))).then(|| escaped(labels));
    let labels = escaped.as_ref().unwrap_or(labels);
    let all = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(extra);
    for (name, value) in all {
        out.push(open);
        if names::is_plain(name, false) {
            out.push_str(name);
        } else {
            out.push('"');
            escape(out, name);
            out.push('"');
        }
        out.push_str("=\"");
        escape(out, value);
        out.push('"');
        open = ',';
    }
    if open == ',' {
        out.push('}');
    }
}

pub(super) fn escape(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}
