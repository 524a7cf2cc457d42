//! Formats of whole log lines: the Common Log Format and its kin, and LEEF.

use std::borrow::Cow;
use std::sync::LazyLock;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue, KeyValueList};
use regex::Regex;

use super::Kind::{OneOf, Text};
use super::parsers::{entry, of_text};
use super::{Failure, Function, converter, may, need};
use crate::call::Args;
use crate::growing::Growing;
use crate::target::Context;
use crate::value::Val;

pub static FUNCTIONS: &[Function] = &[
    converter(
        "ParseCLF",
        &[need("target", Text), may("format", OneOf(&["clf", "combined"]))],
        "The map of a line in the Common Log Format, or in the Combined one.",
        clf,
    )
    .only_in(&[Context::Log]),
    converter("ParseLEEF", &[need("target", Text)], "The map of a LEEF event, version 1.0 or 2.0.", leef)
        .only_in(&[Context::Log]),
];

/// Host, identity, user, date, request, status, size; then referer and user agent, if the line is a combined one.
static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let (word, quoted) = (r"([^\t\n\f\r ]+)", r#""((?:[^"\\]|\\.)*)""#);
    let common = format!(r"^{word} {word} {word} \[([^\]]+)\] {quoted} {word} {word}");
    Regex::new(&format!("{common}(?: {quoted} {quoted})?$")).ok()
});

const REQUEST: [&str; 3] = ["clf.method", "clf.request_uri", "clf.protocol"];

fn clf<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let text = args.text(0)?;
    let combined = args.call.word(1) == Some("combined");
    let line = LINE.as_ref().and_then(|line| line.captures(text.trim()));
    let line = line.filter(|line| line.get(8).is_some() == combined).ok_or("not a line of this format")?;
    let part = |index: usize| line.get(index).map_or("", |part| part.as_str());
    let mut map = Vec::new();
    for (index, key) in (1..).zip(["clf.remote_host", "clf.rfc931", "clf.auth_user", "clf.timestamp"]) {
        map.push(entry(key, of_text(part(index))));
    }
    let request = unescaped(part(5));
    map.push(entry("clf.request", of_text(&request)));
    let parts: Vec<&str> = request.splitn(3, ' ').collect();
    if parts.len() == REQUEST.len() {
        map.extend(REQUEST.iter().zip(parts).map(|(key, part)| entry(key, of_text(part))));
    }
    map.push(entry("clf.status", int(part(6), "status")?));
    if part(7) != "-" {
        map.push(entry("clf.bytes", int(part(7), "size")?));
    }
    if combined {
        map.push(entry("clf.referer", of_text(&unescaped(part(8)))));
        map.push(entry("clf.user_agent", of_text(&unescaped(part(9)))));
    }
    Ok(Val::Map(map.into()))
}

fn int(text: &str, what: &str) -> Result<AnyValue, Failure> {
    let int = text.parse().map_err(|_| Failure::from(format!("a line whose {what} {text:?} is no number")))?;
    Ok(AnyValue { value: Some(Value::IntValue(int)) })
}

/// A quoted part as it was before the server wrote it down.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let (bytes, used) = match (first, after.first()) {
            (b'\\', Some(letter)) => meant(*letter, after),
            _ => (Cow::Borrowed(std::slice::from_ref(first)), 1),
        };
        out.extend_from_slice(&bytes);
        rest = &rest[used..];
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// What a backslash before `letter` means, and how many bytes it takes; what means nothing is kept.
fn meant(letter: u8, after: &[u8]) -> (Cow<'static, [u8]>, usize) {
    let plain = match letter {
        b'\\' | b'"' => letter,
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        b'x' => {
            let digits = after.get(1..3).and_then(|digits| std::str::from_utf8(digits).ok());
            let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            return byte.map_or((Cow::Borrowed(b"\\x"), 2), |byte| (Cow::Owned(vec![byte]), 4));
        }
        other => return (Cow::Owned(vec![b'\\', other]), 2),
    };
    (Cow::Owned(vec![plain]), 2)
}

/// The parts of a LEEF event.
struct Event<'a> {
    version: &'a str,
    /// Vendor, product, its version, the event's id.
    header: [&'a str; 4],
    attributes: &'a str,
    /// What stands between two attributes.
    delimiter: u8,
}

const HEADER: [&str; 4] = ["leef.vendor", "leef.product.name", "leef.product.version", "leef.event.id"];

fn leef<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let text = args.text(0)?;
    // What stands before it is a header of syslog.
    let begin = text.find("LEEF:").ok_or("no LEEF: in it")?;
    let event = event(&text[begin + "LEEF:".len()..])?;
    let mut map = vec![entry("leef.version", of_text(event.version))];
    map.extend(HEADER.iter().zip(event.header).map(|(key, part)| entry(key, of_text(part))));
    let values = attributes(event.attributes, event.delimiter);
    map.push(entry("leef.attributes", AnyValue { value: Some(Value::KvlistValue(KeyValueList { values })) }));
    Ok(Val::Map(map.into()))
}

fn event(text: &str) -> Result<Event<'_>, Failure> {
    let (version, rest) = text.split_once('|').ok_or("a LEEF header without |")?;
    if version != "1.0" && version != "2.0" {
        return Err(Failure::from(format!("LEEF version {version:?}; known are 1.0 and 2.0")));
    }
    let mut parts = rest.splitn(5, '|');
    let mut next = || parts.next().ok_or("a LEEF header that ends before the event's id");
    let header = [next()?, next()?, next()?, next()?];
    let rest = parts.next().unwrap_or_default();
    let plain = Event { version, header, attributes: rest, delimiter: b'\t' };
    // The delimiter may be left out: what has a = is an attribute.
    let (named, attributes) = rest.split_once('|').unwrap_or((rest, ""));
    if version == "1.0" || named.contains('=') {
        return Ok(plain);
    }
    Ok(Event { attributes, delimiter: delimiter(named)?, ..plain })
}

/// A character, or its number as 0x and two digits; nothing is a tab.
fn delimiter(text: &str) -> Result<u8, Failure> {
    match text.as_bytes() {
        [] => Ok(b'\t'),
        [byte] => Ok(*byte),
        [b'0', b'x' | b'X', digits @ ..] if digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit) => {
            u8::from_str_radix(&text[2..], 16).map_err(|_| Failure::from("a LEEF delimiter that is no number"))
        }
        _ => Err(Failure::from(format!("LEEF delimiter {text:?} is neither one character nor 0x and two digits"))),
    }
}

/// Parts without a key or a `=` are none.
fn attributes(text: &str, delimiter: u8) -> Vec<KeyValue> {
    let mut map = Growing::default();
    for pair in text.as_bytes().split(|byte| *byte == delimiter) {
        let pair = String::from_utf8_lossy(pair);
        if let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) {
            *map.value(key) = of_text(value);
        }
    }
    map.into_entries()
}
