//! Values on one line, for eyes.

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::proto::metrics::v1::number_data_point::Value as Number;

/// A data point's number as text.
pub fn number(value: Option<Number>) -> String {
    match value {
        Some(Number::AsInt(value)) => value.to_string(),
        Some(Number::AsDouble(value)) => value.to_string(),
        None => "nothing".into(),
    }
}

/// ` {a=b c=d}`, or nothing.
pub fn attributes(attributes: &[KeyValue]) -> String {
    if attributes.is_empty() {
        return String::new();
    }
    let one = |a: &KeyValue| format!("{}={}", a.key, a.value.as_ref().map(value).unwrap_or_default());
    format!(" {{{}}}", attributes.iter().map(one).collect::<Vec<_>>().join(" "))
}

/// A value on one line.
pub fn value(any: &AnyValue) -> String {
    match &any.value {
        Some(Value::StringValue(text)) => text.replace('\n', " < "),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(Value::BytesValue(bytes)) => format!("{} bytes", bytes.len()),
        Some(Value::ArrayValue(list)) => format!("[{}]", list.values.iter().map(value).collect::<Vec<_>>().join(", ")),
        Some(Value::KvlistValue(map)) => attributes(&map.values).trim_start().to_owned(),
        Some(Value::StringValueStrindex(index)) => format!("string #{index}"),
        None => String::new(),
    }
}
