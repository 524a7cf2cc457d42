//! Converters that make maps and lists of texts.

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use super::Kind::{Flag, Map, OneOf, Pattern, Text, Word};
use super::{Failure, Function, converter, may, need};
use crate::call::Args;
use crate::growing::Growing;
use crate::sendable::sendable;
use crate::strings::as_text;
use crate::value::{Val, find_or_insert};

pub static FUNCTIONS: &[Function] = &[
    converter("ParseJSON", &[need("target", Text)], "The map or list of a JSON text; all numbers are doubles.", json),
    converter(
        "ParseKeyValue",
        &[need("target", Text), may("delimiter", Word), may("pair_delimiter", Word)],
        "The map of a text of key=value pairs.",
        key_value,
    ),
    converter(
        "ToKeyValueString",
        &[need("target", Map), may("delimiter", Word), may("pair_delimiter", Word), may("sort_output", Flag)],
        "A map as a text of key=value pairs.",
        to_key_value,
    ),
    converter(
        "ParseCSV",
        &[
            need("target", Text),
            need("header", Text),
            may("delimiter", Word),
            may("header_delimiter", Word),
            may("mode", OneOf(&["strict", "lazyQuotes", "ignoreQuotes"])),
        ],
        "The map of a row of CSV by the names in a header.",
        csv,
    ),
    converter(
        "ExtractPatterns",
        &[need("target", Text), need("pattern", Pattern)],
        "The map of what the named groups of a pattern match.",
        extract_patterns,
    ),
];

pub(super) fn entry(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

pub(super) fn of_text(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.to_owned())) }
}

fn json<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let parsed: serde_json::Value =
        serde_json::from_str(&args.text(0)?).map_err(|error| Failure::from(format!("not JSON: {error}")))?;
    match of_json(parsed).value {
        value @ Some(Value::KvlistValue(_) | Value::ArrayValue(_)) => sendable(AnyValue { value }),
        _ => Err(Failure::from("JSON that is neither a map nor a list")),
    }
}

fn of_json(json: serde_json::Value) -> AnyValue {
    use serde_json::Value as Json;
    let value = match json {
        Json::Null => None,
        Json::Bool(truth) => Some(Value::BoolValue(truth)),
        Json::Number(number) => number.as_f64().map(Value::DoubleValue),
        Json::String(text) => Some(Value::StringValue(text)),
        Json::Array(items) => Some(Value::ArrayValue(ArrayValue { values: items.into_iter().map(of_json).collect() })),
        Json::Object(map) => {
            let values = map.into_iter().map(|(key, value)| entry(&key, of_json(value))).collect();
            Some(Value::KvlistValue(KeyValueList { values }))
        }
    };
    AnyValue { value }
}

/// What stands within pairs and between them.
fn delimiters<'a>(args: Args<'a, '_>) -> Result<(&'a str, &'a str), Failure> {
    let call = args.call;
    match (call.word(1).unwrap_or("="), call.word(2).unwrap_or(" ")) {
        ("", _) | (_, "") => Err(Failure::from("a delimiter is empty")),
        (one, other) if one == other => Err(Failure::from("both delimiters are the same")),
        pair => Ok(pair),
    }
}

fn key_value<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let (delimiter, between) = delimiters(args)?;
    let text = args.text(0)?;
    if text.is_empty() {
        return Err(Failure::from("an empty text has no pairs"));
    }
    let mut map = Growing::default();
    for pair in pairs(&text, between)? {
        let Some((key, value)) = pair.split_once(delimiter) else {
            return Err(Failure::from(format!("{pair:?} has no {delimiter:?}")));
        };
        *map.value(key.trim()) = of_text(value.trim());
    }
    Ok(Val::Map(map.into_entries().into()))
}

/// The parts of a text; quotes keep a part together and are taken off, a backslash keeps the next quote.
fn pairs(text: &str, between: &str) -> Result<Vec<String>, Failure> {
    let (mut parts, mut part, mut quote, mut escaped) = (Vec::new(), String::new(), None, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let (None, Some(after)) = (quote, rest.strip_prefix(between)) {
            if !part.is_empty() {
                parts.push(std::mem::take(&mut part));
            }
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match (escaped, quote, c) {
            (false, None, '"' | '\'') => quote = Some(c),
            (false, Some(open), c) if open == c => quote = None,
            _ => {
                escaped = !escaped && c == '\\';
                part.push(c);
            }
        }
    }
    if quote.is_some() {
        return Err(Failure::from("a quote is not closed"));
    }
    if !part.is_empty() {
        parts.push(part);
    }
    Ok(parts)
}

fn to_key_value<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let (delimiter, between) = delimiters(args)?;
    let map = args.map(0)?;
    let mut entries: Vec<&KeyValue> = map.iter().collect();
    if args.call.flag(3) {
        entries.sort_by(|a, b| a.key.cmp(&b.key));
    }
    let quoted = |text: &str| {
        let escaped = text.replace('"', "\\\"");
        if escaped.contains(between) || escaped.contains(delimiter) { format!("\"{escaped}\"") } else { escaped }
    };
    let pair = |entry: &&KeyValue| {
        format!("{}{delimiter}{}", quoted(&entry.key), quoted(&as_text(&Val::of(entry.value.as_ref()))))
    };
    Ok(Val::owned(entries.iter().map(pair).collect::<Vec<_>>().join(between)))
}

fn csv<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let (text, header) = (args.text(0)?, args.text(1)?);
    let delimiter = args.call.word(2).and_then(|word| word.chars().next()).unwrap_or(',');
    let between = args.call.word(3).map_or_else(|| delimiter.to_string(), str::to_owned);
    if header.is_empty() || between.is_empty() {
        return Err(Failure::from("a header and its delimiter are not empty"));
    }
    let names: Vec<&str> = header.split(&between).collect();
    let mode = args.call.word(4).unwrap_or("strict");
    let fields = match mode {
        "ignoreQuotes" => text.split(delimiter).map(str::to_owned).collect(),
        mode => fields(text.trim_end_matches(['\r', '\n']), delimiter, mode == "lazyQuotes")?,
    };
    if names.len() != fields.len() {
        return Err(Failure::from(format!("{} fields for {} names", fields.len(), names.len())));
    }
    let mut map = Growing::default();
    for (name, field) in names.into_iter().zip(fields) {
        *map.value(name) = of_text(&field);
    }
    Ok(Val::Map(map.into_entries().into()))
}

/// The fields of one row; a doubled quote is a quote.
fn fields(row: &str, delimiter: char, lazy: bool) -> Result<Vec<String>, Failure> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = row.chars().peekable();
    let mut begins = true;
    while let Some(c) = chars.next() {
        match c {
            '"' if begins => quoted = true,
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted && chars.peek().is_none_or(|next| *next == delimiter) => quoted = false,
            '"' if !lazy => return Err(Failure::from("a quote within a field")),
            c if c == delimiter && !quoted => {
                fields.push(std::mem::take(&mut field));
                begins = true;
                continue;
            }
            c => field.push(c),
        }
        begins = false;
    }
    if quoted && !lazy {
        return Err(Failure::from("a quote is not closed"));
    }
    fields.push(field);
    Ok(fields)
}

fn extract_patterns<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let pattern = args.pattern(1)?;
    if pattern.capture_names().flatten().next().is_none() {
        return Err(Failure::from("the pattern has no named group, such as (?P<name>...)"));
    }
    let text = args.text(0)?;
    let mut map = Vec::new();
    if let Some(captures) = pattern.captures(&text) {
        for name in pattern.capture_names().flatten() {
            let found = captures.name(name).map_or("", |found| found.as_str());
            *find_or_insert(&mut map, name) = of_text(found);
        }
    }
    Ok(Val::Map(map.into()))
}
