//! Numbers, times and values as Go prints them: the Collector's texts are made with its `fmt` and `encoding/json`.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};

/// `%f`: six decimals.
pub fn fixed(value: f64) -> String {
    special(value).unwrap_or_else(|| format!("{value:.6}"))
}

/// `%v`: the shortest form, with an exponent from 1e+06 on and below 1e-04.
pub fn shortest(value: f64) -> String {
    if let Some(text) = special(value) {
        return text;
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = split(&scientific).filter(|(_, e)| value != 0.0 && !(-4..6).contains(e)) else {
        return value.to_string();
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn special(value: f64) -> Option<String> {
    let text = match value {
        v if v.is_nan() => "NaN",
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => return None,
    };
    Some(text.to_owned())
}

fn split(scientific: &str) -> Option<(&str, i32)> {
    let (mantissa, exponent) = scientific.split_once('e')?;
    Some((mantissa, exponent.parse().ok()?))
}

/// A number as JavaScript prints it.
fn json_number(value: f64) -> String {
    match value {
        v if v.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        v if v != 0.0 && (v.abs() < 1e-6 || v.abs() >= 1e21) => {
            let scientific = format!("{v:e}");
            match split(&scientific) {
                Some((mantissa, exponent)) if exponent >= 0 => format!("{mantissa}e+{exponent}"),
                _ => scientific,
            }
        }
        v => v.to_string(),
    }
}

/// Nanoseconds since 1970 as a time in UTC.
pub fn time(unix_ns: u64) -> String {
    // The Collector's conversion wraps too.
    let nanos = i128::from(unix_ns as i64);
    let Ok(time) = jiff::Timestamp::from_nanosecond(nanos) else {
        return nanos.to_string();
    };
    let text = time.strftime("%Y-%m-%d %H:%M:%S%.f").to_string();
    format!("{text} +0000 UTC")
}

/// An id in hexadecimal; nothing when it is unset.
pub fn id(bytes: &[u8]) -> String {
    if bytes.iter().all(|byte| *byte == 0) {
        return String::new();
    }
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A value as text: strings as they are, lists and maps as JSON.
pub fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => json_number(*value),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes),
        Some(value @ (Value::ArrayValue(_) | Value::KvlistValue(_))) => {
            let mut out = String::new();
            // What JSON cannot say (NaN in a list) leaves nothing.
            json(value, &mut out).map_or_else(String::new, |()| out)
        }
        Some(Value::StringValueStrindex(_)) => String::new(),
    }
}

fn json(value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::StringValue(text) => json_text(text, out),
        Value::BytesValue(bytes) if bytes.is_empty() => out.push_str("null"),
        Value::BytesValue(bytes) => json_text(&STANDARD.encode(bytes), out),
        Value::BoolValue(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::IntValue(value) => out.push_str(&value.to_string()),
        Value::DoubleValue(value) if value.is_finite() => out.push_str(&json_number(*value)),
        Value::DoubleValue(_) => return None,
        Value::ArrayValue(list) => {
            out.push('[');
            for (index, item) in list.values.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                json_any(item.value.as_ref(), out)?;
            }
            out.push(']');
        }
        Value::KvlistValue(map) => {
            out.push('{');
            for (index, (key, value)) in sorted(&map.values).into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                json_text(key, out);
                out.push(':');
                json_any(value, out)?;
            }
            out.push('}');
        }
        Value::StringValueStrindex(_) => out.push_str("null"),
    }
    Some(())
}

fn json_any(value: Option<&Value>, out: &mut String) -> Option<()> {
    match value {
        Some(value) => json(value, out),
        None => {
            out.push_str("null");
            Some(())
        }
    }
}

fn json_text(text: &str, out: &mut String) {
    let quoted = serde_json::Value::from(text).to_string();
    // Go escapes the two line separators that JavaScript once could not have in strings.
    out.push_str(&quoted.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"));
}

/// A Go map: of keys that stand twice the last counts, and printing sorts.
fn sorted(pairs: &[KeyValue]) -> BTreeMap<&str, Option<&Value>> {
    pairs.iter().map(|pair| (pair.key.as_str(), pair.value.as_ref().and_then(|value| value.value.as_ref()))).collect()
}

/// `%s` of a raw value, which complains about everything that is not a string.
pub fn raw(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::StringValueStrindex(_)) => "%!s(<nil>)".into(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BytesValue(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(Value::BoolValue(value)) => format!("%!s(bool={value})"),
        Some(Value::IntValue(value)) => format!("%!s(int64={value})"),
        Some(Value::DoubleValue(value)) => format!("%!s(float64={})", shortest(*value)),
        Some(Value::ArrayValue(list)) => {
            let items: Vec<_> = list.values.iter().map(|item| inner(item.value.as_ref())).collect();
            format!("[{}]", items.join(" "))
        }
        Some(Value::KvlistValue(map)) => {
            let pairs: Vec<_> =
                sorted(&map.values).into_iter().map(|(key, value)| format!("{key}:{}", inner(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

/// The same within a list or a map, where Go does not complain about nothing.
fn inner(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::StringValueStrindex(_)) => "<nil>".into(),
        Some(_) => raw(value),
    }
}

/// `%d` of a list of numbers.
pub fn list<T: ToString>(values: &[T]) -> String {
    format!("[{}]", values.iter().map(T::to_string).collect::<Vec<_>>().join(" "))
}
