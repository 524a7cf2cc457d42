//! What an expression is worth while it is looked at: borrowed from the item wherever it can be.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use super::Failure;

/// A value of OTTL.
#[derive(Clone, Debug)]
pub enum Val<'a> {
    /// Nothing: a missing key, an empty value.
    Nil,
    /// A truth.
    Bool(bool),
    /// A whole number; enums are these too.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Attributes or another map.
    Map(Cow<'a, [KeyValue]>),
    /// A list.
    List(Cow<'a, [AnyValue]>),
    /// Events, links, data points: so many, and nothing more is known of them.
    Items(usize),
    /// A point in time with its zone.
    Time(Box<Zoned>),
    /// A length of time.
    Duration(SignedDuration),
    /// The id of a trace, zero when unset.
    TraceId([u8; 16]),
    /// The id of a span, zero when unset.
    SpanId([u8; 8]),
}

impl<'a> Val<'a> {
    /// A text that is borrowed.
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A text that was made.
    pub fn owned(text: String) -> Val<'static> {
        Val::Text(Cow::Owned(text))
    }

    /// A value of an attribute or body.
    pub fn of(value: Option<&'a AnyValue>) -> Self {
        match value.and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) => Self::text(text),
            Some(Value::BoolValue(truth)) => Self::Bool(*truth),
            Some(Value::IntValue(int)) => Self::Int(*int),
            Some(Value::DoubleValue(double)) => Self::Double(*double),
            Some(Value::BytesValue(bytes)) => Self::Bytes(Cow::Borrowed(bytes)),
            Some(Value::KvlistValue(map)) => Self::Map(Cow::Borrowed(&map.values)),
            Some(Value::ArrayValue(list)) => Self::List(Cow::Borrowed(&list.values)),
            Some(Value::StringValueStrindex(_)) | None => Self::Nil,
        }
    }

    /// The same, when the value itself is given away.
    pub fn from_owned(value: AnyValue) -> Val<'static> {
        match value.value {
            Some(Value::StringValue(text)) => Val::owned(text),
            Some(Value::BoolValue(truth)) => Val::Bool(truth),
            Some(Value::IntValue(int)) => Val::Int(int),
            Some(Value::DoubleValue(double)) => Val::Double(double),
            Some(Value::BytesValue(bytes)) => Val::Bytes(Cow::Owned(bytes)),
            Some(Value::KvlistValue(map)) => Val::Map(Cow::Owned(map.values)),
            Some(Value::ArrayValue(list)) => Val::List(Cow::Owned(list.values)),
            Some(Value::StringValueStrindex(_)) | None => Val::Nil,
        }
    }

    /// The same value, borrowed.
    pub fn reborrow(&self) -> Val<'_> {
        match self {
            Self::Text(text) => Val::text(text),
            Self::Bytes(bytes) => Val::Bytes(Cow::Borrowed(bytes)),
            Self::Map(map) => Val::Map(Cow::Borrowed(map)),
            Self::List(list) => Val::List(Cow::Borrowed(list)),
            plain => plain.clone(),
        }
    }

    /// A copy that borrows nothing.
    pub fn detach(self) -> Val<'static> {
        match self {
            Self::Nil => Val::Nil,
            Self::Bool(truth) => Val::Bool(truth),
            Self::Int(int) => Val::Int(int),
            Self::Double(double) => Val::Double(double),
            Self::Text(text) => Val::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Val::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Map(map) => Val::Map(Cow::Owned(map.into_owned())),
            Self::List(list) => Val::List(Cow::Owned(list.into_owned())),
            Self::Items(count) => Val::Items(count),
            Self::Time(time) => Val::Time(time),
            Self::Duration(duration) => Val::Duration(duration),
            Self::TraceId(id) => Val::TraceId(id),
            Self::SpanId(id) => Val::SpanId(id),
        }
    }

    /// As a value of an attribute or body.
    ///
    /// # Errors
    /// Times, durations and ids have no such form.
    pub fn into_any(self) -> Result<AnyValue, Failure> {
        let value = match self {
            Self::Nil => None,
            Self::Bool(truth) => Some(Value::BoolValue(truth)),
            Self::Int(int) => Some(Value::IntValue(int)),
            Self::Double(double) => Some(Value::DoubleValue(double)),
            Self::Text(text) => Some(Value::StringValue(text.into_owned())),
            Self::Bytes(bytes) => Some(Value::BytesValue(bytes.into_owned())),
            Self::Map(map) => Some(Value::KvlistValue(KeyValueList { values: map.into_owned() })),
            Self::List(list) => Some(Value::ArrayValue(ArrayValue { values: list.into_owned() })),
            other @ (Self::Items(_) | Self::Time(_) | Self::Duration(_) | Self::TraceId(_) | Self::SpanId(_)) => {
                return Err(Failure::from(format!("{} cannot be a value of an attribute", other.kind())));
            }
        };
        Ok(AnyValue { value })
    }

    /// The text it is.
    ///
    /// # Errors
    /// It is of another kind.
    pub fn into_text(self) -> Result<String, Failure> {
        match self {
            Self::Text(text) => Ok(text.into_owned()),
            other => Err(other.unexpected("a string")),
        }
    }

    /// The whole number it is.
    ///
    /// # Errors
    /// It is of another kind.
    pub fn into_int(self) -> Result<i64, Failure> {
        match self {
            Self::Int(int) => Ok(int),
            other => Err(other.unexpected("an int")),
        }
    }

    /// The double it is.
    ///
    /// # Errors
    /// It is of another kind.
    pub fn into_double(self) -> Result<f64, Failure> {
        match self {
            Self::Double(double) => Ok(double),
            other => Err(other.unexpected("a double")),
        }
    }

    /// The truth it is.
    ///
    /// # Errors
    /// It is of another kind.
    pub fn into_bool(self) -> Result<bool, Failure> {
        match self {
            Self::Bool(truth) => Ok(truth),
            other => Err(other.unexpected("a bool")),
        }
    }

    /// A list of ints.
    pub fn ints(ints: impl Iterator<Item = i64>) -> Val<'static> {
        Val::List(ints.map(|int| AnyValue { value: Some(Value::IntValue(int)) }).collect())
    }

    /// A list of doubles.
    pub fn doubles(doubles: impl Iterator<Item = f64>) -> Val<'static> {
        Val::List(doubles.map(|double| AnyValue { value: Some(Value::DoubleValue(double)) }).collect())
    }

    /// A list of texts.
    pub fn texts(texts: impl Iterator<Item = String>) -> Val<'static> {
        Val::List(texts.map(|text| AnyValue { value: Some(Value::StringValue(text)) }).collect())
    }

    /// The ints of a list.
    ///
    /// # Errors
    /// It is no list, or has other items.
    pub fn into_ints(self) -> Result<Vec<i64>, Failure> {
        match self {
            Self::List(list) => list.iter().map(|item| Val::of(Some(item)).into_int()).collect(),
            other => Err(other.unexpected("a list of ints")),
        }
    }

    /// The doubles of a list.
    ///
    /// # Errors
    /// It is no list, or has other items.
    pub fn into_doubles(self) -> Result<Vec<f64>, Failure> {
        match self {
            Self::List(list) => list.iter().map(|item| Val::of(Some(item)).into_double()).collect(),
            other => Err(other.unexpected("a list of doubles")),
        }
    }

    /// A moment of the wire, in UTC.
    pub fn moment(unix_nanos: u64) -> Val<'static> {
        // Far future moments wrap around, as Go's do.
        let nanos = i128::from(unix_nanos as i64);
        Timestamp::from_nanosecond(nanos).map_or(Val::Nil, |stamp| Val::Time(Box::new(stamp.to_zoned(TimeZone::UTC))))
    }

    /// A moment for the wire.
    ///
    /// # Errors
    /// It is no time.
    pub fn into_unix_nanos(self) -> Result<u64, Failure> {
        match self {
            Self::Time(time) => Ok(time.timestamp().as_nanosecond() as i64 as u64),
            other => Err(other.unexpected("a time")),
        }
    }

    /// The kind's name in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Double(_) => "a double",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::Map(_) => "a map",
            Self::List(_) => "a list",
            Self::Items(_) => "a list of items",
            Self::Time(_) => "a time",
            Self::Duration(_) => "a duration",
            Self::TraceId(_) => "a trace id",
            Self::SpanId(_) => "a span id",
        }
    }

    /// The failure of an expectation.
    pub fn unexpected(&self, wanted: &str) -> Failure {
        Failure::from(format!("expected {wanted}, got {}", self.kind()))
    }
}

/// The value below `key`.
pub fn find<'a>(map: &'a [KeyValue], key: &str) -> Option<&'a AnyValue> {
    static EMPTY: AnyValue = AnyValue { value: None };
    map.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_ref().unwrap_or(&EMPTY))
}

/// The place of the value below `key`, made if it is missing.
pub fn find_or_insert<'a>(map: &'a mut Vec<KeyValue>, key: &str) -> &'a mut AnyValue {
    let index = map.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        map.push(KeyValue { key: key.to_owned(), ..KeyValue::default() });
        map.len() - 1
    });
    map[index].value.get_or_insert_default()
}
