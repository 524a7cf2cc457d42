//! Values of attributes: to another type, to their hash.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::Target;

/// Changes the type where the value can be read as the other type; leaves it alone where not.
pub fn convert(value: &mut AnyValue, target: Target) {
    let converted = match (target, &value.value) {
        (Target::Text, other) => Some(Value::StringValue(as_text(other.as_ref()))),
        (Target::Int, Some(Value::DoubleValue(double))) => Some(Value::IntValue(*double as i64)),
        (Target::Int, Some(Value::BoolValue(truth))) => Some(Value::IntValue((*truth).into())),
        (Target::Int, Some(Value::StringValue(text))) => text.parse().ok().map(Value::IntValue),
        (Target::Double, Some(Value::IntValue(int))) => Some(Value::DoubleValue(*int as f64)),
        (Target::Double, Some(Value::BoolValue(truth))) => Some(Value::DoubleValue((*truth).into())),
        (Target::Double, Some(Value::StringValue(text))) => text.parse().ok().map(Value::DoubleValue),
        _ => None,
    };
    if converted.is_some() {
        value.value = converted;
    }
}

/// Replaces a scalar by the SHA-256 of its bytes in hex, anything else by empty text, as the Collector does.
pub fn hash(value: &mut AnyValue) {
    let bytes = match &value.value {
        Some(Value::StringValue(text)) => Some(text.as_bytes().to_vec()),
        Some(Value::BoolValue(truth)) => Some(vec![(*truth).into()]),
        Some(Value::IntValue(int)) => Some(int.to_le_bytes().to_vec()),
        Some(Value::DoubleValue(double)) => Some(double.to_bits().to_le_bytes().to_vec()),
        _ => None,
    };
    let hex = |bytes: Vec<u8>| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    value.value = Some(Value::StringValue(bytes.map_or(String::new(), hex)));
}

/// Text of a value: lists and maps as JSON, bytes as base64.
fn as_text(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::DoubleValue(double)) => double_as_text(*double),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes),
        Some(other) => as_json(Some(other)).to_string(),
    }
}

/// Go's spelling: an exponent outside 1e-6 to 1e21.
fn double_as_text(double: f64) -> String {
    match double.abs() {
        size if size != 0.0 && size < 1e-6 => format!("{double:e}"),
        size if size >= 1e21 && size.is_finite() => format!("{double:e}").replace('e', "e+"),
        _ => double.to_string(),
    }
}

fn as_json(value: Option<&Value>) -> Json {
    let inner = |value: Option<&AnyValue>| as_json(value.and_then(|value| value.value.as_ref()));
    match value {
        None => Json::Null,
        Some(Value::StringValue(text)) => text.clone().into(),
        Some(Value::BoolValue(truth)) => (*truth).into(),
        Some(Value::IntValue(int)) => (*int).into(),
        Some(Value::DoubleValue(double)) => (*double).into(),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes).into(),
        Some(Value::ArrayValue(list)) => list.values.iter().map(|item| inner(Some(item))).collect(),
        Some(Value::KvlistValue(map)) => {
            let entries = map.values.iter().map(|entry| (entry.key.clone(), inner(entry.value.as_ref())));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        Some(Value::StringValueStrindex(index)) => (*index).into(),
    }
}
