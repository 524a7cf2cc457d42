//! Fields of records by their path, and moments in a time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::proto::logs::v1::LogRecord;

/// A field of body or attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    in_body: bool,
    path: Vec<String>,
}

impl Field {
    /// Reads `body.key.key` or `attributes.key`; a dot in a key is `\.`.
    ///
    /// # Errors
    /// It is of neither, or the whole body.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = split(text).into_iter();
        let in_body = match parts.next().as_deref() {
            Some("body") => true,
            Some("attributes") => false,
            _ => return Err(format!("{text:?} must begin with body or attributes")),
        };
        let path: Vec<_> = parts.collect();
        match in_body && path.is_empty() {
            true => Err("the whole body cannot be named; name a field of it".to_owned()),
            false => Ok(Self { in_body, path }),
        }
    }

    /// Removes it from a record that has it.
    pub fn remove(&self, record: &mut LogRecord) {
        match (self.in_body, self.path.split_last()) {
            (_, None) => record.attributes.clear(),
            (false, Some((last, way))) => remove(&mut record.attributes, way, last),
            (true, Some((last, way))) => {
                if let Some(Value::KvlistValue(map)) = record.body.as_mut().and_then(|body| body.value.as_mut()) {
                    remove(&mut map.values, way, last);
                }
            }
        }
    }

    /// The value that a record has for it.
    pub fn get<'a>(&self, record: &'a LogRecord) -> Option<&'a AnyValue> {
        let (last, way) = self.path.split_last()?;
        let mut map = match self.in_body {
            true => map_in(record.body.as_ref()?)?,
            false => &record.attributes,
        };
        for key in way {
            map = map_in(map.iter().find(|entry| entry.key == *key)?.value.as_ref()?)?;
        }
        map.iter().find(|entry| entry.key == *last)?.value.as_ref()
    }
}

fn map_in(value: &AnyValue) -> Option<&Vec<KeyValue>> {
    match value.value.as_ref()? {
        Value::KvlistValue(map) => Some(&map.values),
        _ => None,
    }
}

fn remove(map: &mut Vec<KeyValue>, way: &[String], last: &str) {
    let Some((key, rest)) = way.split_first() else {
        return map.retain(|entry| entry.key != last);
    };
    let inner = map.iter_mut().find(|entry| entry.key == *key).and_then(|entry| entry.value.as_mut());
    if let Some(Value::KvlistValue(inner)) = inner.and_then(|value| value.value.as_mut()) {
        remove(&mut inner.values, rest, last);
    }
}

fn split(text: &str) -> Vec<String> {
    let (mut parts, mut chars) = (vec![String::new()], text.chars().peekable());
    while let Some(char) = chars.next() {
        match char {
            '\\' if chars.peek() == Some(&'.') => {
                chars.next();
                parts.last_mut().into_iter().for_each(|part| part.push('.'));
            }
            '.' => parts.push(String::new()),
            other => parts.last_mut().into_iter().for_each(|part| part.push(other)),
        }
    }
    parts
}

/// The time zone of this name.
///
/// # Errors
/// The system has none of this name.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    match name {
        "" | "UTC" => Ok(TimeZone::UTC),
        "Local" => Ok(TimeZone::system()),
        name => TimeZone::get(name).map_err(|_| {
            format!("unknown time zone {name:?}; use a name of the IANA database that this machine has, such as UTC")
        }),
    }
}

/// A moment as RFC 3339 in whole seconds.
pub fn moment(nanoseconds: u64, zone: &TimeZone) -> String {
    let moment = Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    let zoned = moment.to_zoned(zone.clone());
    let format = if zoned.offset().is_zero() { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S%:z" };
    zoned.strftime(format).to_string()
}
