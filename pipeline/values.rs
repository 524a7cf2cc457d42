//! Values of attributes that are written in a configuration.

use config::{Decoder, Node};

use crate::proto::common::v1::any_value::Value;
use crate::proto::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

/// A double as ECMAScript writes it: no trailing zero, an exponent only for the very large and small.
pub fn double_text(double: f64) -> String {
    let size = double.abs();
    match double {
        _ if double.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        _ if size != 0.0 && !(1e-6..1e21).contains(&size) => {
            let text = format!("{double:e}");
            if size >= 1.0 { text.replace('e', "e+") } else { text }
        }
        _ => double.to_string(),
    }
}

/// Reports what cannot be a value.
pub fn check_value(node: &Node, decoder: &mut Decoder) {
    match &node.value {
        config::Value::Null => decoder.error("null is no value (is a variable empty?)"),
        config::Value::Int(value) if i64::try_from(*value).is_err() => {
            decoder.error(format!("{value} is out of range {} to {}", i64::MIN, i64::MAX));
        }
        config::Value::List(items) => {
            let present = items.iter().enumerate().filter(|(_, item)| !item.is_null());
            present.for_each(|(index, item)| decoder.at(index.to_string(), |d| check_value(item, d)));
        }
        config::Value::Map(map) => {
            map.iter()
                .filter(|(_, item)| !item.is_null())
                .for_each(|(key, item)| decoder.at(key, |d| check_value(item, d)));
        }
        _ => {}
    }
}

/// The OTLP value of a checked setting.
pub fn value_of(node: &Node) -> AnyValue {
    let value = match &node.value {
        config::Value::Null => None,
        config::Value::Bool(value) => Some(Value::BoolValue(*value)),
        config::Value::Int(value) => i64::try_from(*value).ok().map(Value::IntValue),
        config::Value::Float(value) => Some(Value::DoubleValue(*value)),
        config::Value::String(text) => Some(Value::StringValue(text.clone())),
        config::Value::List(items) => {
            Some(Value::ArrayValue(ArrayValue { values: items.iter().map(value_of).collect() }))
        }
        config::Value::Map(map) => {
            let entry = |(key, node): (&String, &Node)| KeyValue {
                key: key.clone(),
                value: Some(value_of(node)),
                ..KeyValue::default()
            };
            Some(Value::KvlistValue(KeyValueList { values: map.iter().map(entry).collect() }))
        }
    };
    AnyValue { value }
}
