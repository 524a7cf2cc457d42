//! Values as text, and text as it is written in OTTL.

use std::borrow::Cow;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::double_text;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::Failure;
use super::fields::ids::hex;
use super::value::Val;

/// A value where a converter wants text; `None` for nil. Bytes are hexadecimal, maps and lists JSON, ids lists
/// of their bytes.
///
/// # Errors
/// Doubles that JSON has no number for.
pub fn text_like(value: Val<'_>) -> Result<Option<Cow<'_, str>>, Failure> {
    Ok(Some(match value {
        Val::Nil => return Ok(None),
        Val::Text(text) => text,
        Val::Bytes(bytes) => hex(&bytes).into(),
        Val::Double(double) if !double.is_finite() => return Err(Failure::from("a double without a text")),
        Val::Map(map) => json(|out| write_map(out, &map, Html::Escaped)).into(),
        Val::List(list) => json(|out| write_list(out, &list, Html::Escaped)).into(),
        Val::Items(_) => return Err(Failure::from("a list of items without a text")),
        Val::TraceId(id) => format!("{id:?}").replace(' ', "").into(),
        Val::SpanId(id) => format!("{id:?}").replace(' ', "").into(),
        Val::Time(time) => format!("\"{}\"", super::functions::time::rfc3339(&time)).into(),
        Val::Duration(duration) => duration.as_nanos().to_string().into(),
        plain => as_text(&plain).into_owned().into(),
    }))
}

/// A value of an attribute or body as text, as every OTLP exporter shows it. Bytes are base64, nothing is empty.
pub fn as_text<'a>(value: &Val<'a>) -> Cow<'a, str> {
    match value {
        Val::Text(text) => text.clone(),
        Val::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        Val::Int(int) => int.to_string().into(),
        Val::Double(double) => double_text(*double).into(),
        Val::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Val::Map(map) => json(|out| write_map(out, map, Html::Plain)).into(),
        Val::List(list) => json(|out| write_list(out, list, Html::Plain)).into(),
        Val::Nil | Val::Items(_) | Val::Time(_) | Val::Duration(_) | Val::TraceId(_) | Val::SpanId(_) => {
            Cow::Borrowed("")
        }
    }
}

/// A value of an attribute or body as text, as [`as_text`].
pub fn plain_text(value: Option<&AnyValue>) -> Cow<'_, str> {
    as_text(&Val::of(value))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Html {
    /// `<`, `>` and `&` as escapes: what Go's encoder does unless it is told not to.
    Escaped,
    Plain,
}

fn json(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
    out
}

fn write_map(out: &mut String, map: &[KeyValue], html: Html) {
    let mut sorted: Vec<_> = map.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    out.push('{');
    for (index, entry) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(out, &entry.key, html);
        out.push(':');
        write_value(out, entry.value.as_ref(), html);
    }
    out.push('}');
}

fn write_list(out: &mut String, list: &[AnyValue], html: Html) {
    out.push('[');
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(out, Some(item), html);
    }
    out.push(']');
}

fn write_value(out: &mut String, value: Option<&AnyValue>, html: Html) {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => write_text(out, text, html),
        Some(Value::BytesValue(bytes)) => write_text(out, &STANDARD.encode(bytes), html),
        Some(Value::KvlistValue(map)) => write_map(out, &map.values, html),
        Some(Value::ArrayValue(list)) => write_list(out, &list.values, html),
        Some(plain @ (Value::BoolValue(_) | Value::IntValue(_) | Value::DoubleValue(_))) => {
            out.push_str(&as_text(&Val::of(Some(&AnyValue { value: Some(plain.clone()) }))));
        }
        Some(Value::StringValueStrindex(_)) | None => out.push_str("null"),
    }
}

fn write_text(out: &mut String, text: &str, html: Html) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' if html == Html::Escaped => drop(write!(out, "\\u{:04x}", c as u32)),
            '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The content of a quoted text, with Go's escapes. `None` when one of them does not exist.
pub fn unquote(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => return None,
            '\\' => unescape(&mut chars, &mut out)?,
            c => push(&mut out, c),
        }
    }
    // Escaped bytes may be no UTF-8; attributes have to be.
    String::from_utf8(out).ok()
}

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn unescape(chars: &mut std::str::Chars<'_>, out: &mut Vec<u8>) -> Option<()> {
    match chars.next()? {
        'a' => out.push(7),
        'b' => out.push(8),
        'f' => out.push(12),
        'n' => out.push(b'\n'),
        'r' => out.push(b'\r'),
        't' => out.push(b'\t'),
        'v' => out.push(11),
        '\\' => out.push(b'\\'),
        '"' => out.push(b'"'),
        'x' => out.push(digits(chars, 2, 16)? as u8),
        'u' => push(out, char::from_u32(digits(chars, 4, 16)?)?),
        'U' => push(out, char::from_u32(digits(chars, 8, 16)?)?),
        c @ '0'..='7' => {
            let rest = digits(chars, 2, 8)?;
            out.push(u8::try_from(c.to_digit(8)? * 64 + rest).ok()?);
        }
        _ => return None,
    }
    Some(())
}

fn digits(chars: &mut std::str::Chars<'_>, count: usize, radix: u32) -> Option<u32> {
    (0..count).try_fold(0u32, |sum, _| Some((sum << if radix == 16 { 4 } else { 3 }) | chars.next()?.to_digit(radix)?))
}
