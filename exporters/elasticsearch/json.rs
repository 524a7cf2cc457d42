//! JSON written straight into a buffer.

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};

/// A growing piece of JSON. Commas are put by looking at what stands before.
#[derive(Debug, Default)]
pub struct Json(Vec<u8>);

impl Json {
    /// What was written so far.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes off everything behind `at`.
    pub fn split_off(&mut self, at: usize) -> Vec<u8> {
        self.0.split_off(at)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Ends a line; the next value begins anew.
    pub fn newline(&mut self) {
        self.0.push(b'\n');
    }

    pub fn key(&mut self, name: &str) {
        self.string(name);
        self.0.push(b':');
    }

    pub fn string(&mut self, text: &str) {
        self.separate();
        self.0.push(b'"');
        escape(&mut self.0, text);
        self.0.push(b'"');
    }

    /// A number, `true`, `false` or `null`: what needs no quotes.
    pub fn plain(&mut self, value: impl std::fmt::Display) {
        self.separate();
        self.0.extend_from_slice(value.to_string().as_bytes());
    }

    /// A double, with a point or an exponent so that it is mapped as one. What JSON has no number for is null.
    pub fn double(&mut self, value: f64) {
        if value.is_finite() { self.plain(format_args!("{value:?}")) } else { self.plain("null") }
    }

    pub fn hex(&mut self, bytes: &[u8]) {
        self.separate();
        self.0.push(b'"');
        for byte in bytes {
            self.0.extend([byte >> 4, byte & 15].map(|nibble| b"0123456789abcdef"[usize::from(nibble)]));
        }
        self.0.push(b'"');
    }

    pub fn object(&mut self, inner: impl FnOnce(&mut Self)) {
        self.around(b'{', b'}', inner);
    }

    pub fn array(&mut self, inner: impl FnOnce(&mut Self)) {
        self.around(b'[', b']', inner);
    }

    fn around(&mut self, open: u8, close: u8, inner: impl FnOnce(&mut Self)) {
        self.separate();
        self.0.push(open);
        inner(self);
        self.0.push(close);
    }

    /// Members or elements that were written elsewhere.
    pub fn fragment(&mut self, json: &[u8]) {
        if !json.is_empty() {
            self.separate();
            self.0.extend_from_slice(json);
        }
    }

    /// A string member, unless it is empty.
    pub fn text_member(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.key(name);
            self.string(value);
        }
    }

    /// A number's member, unless it is 0.
    pub fn count_member(&mut self, name: &str, value: impl Into<i64>) {
        let value = value.into();
        if value != 0 {
            self.key(name);
            self.plain(value);
        }
    }

    /// An id's member in hex, unless the id is unset.
    pub fn id_member(&mut self, name: &str, id: &[u8]) {
        if id.iter().any(|byte| *byte != 0) {
            self.key(name);
            self.hex(id);
        }
    }

    /// See [`Self::time`].
    pub fn time_member(&mut self, name: &str, unix_nano: u64) {
        self.key(name);
        self.time(unix_nano);
    }

    /// Nanoseconds since 1970 as Elasticsearch's `epoch_millis` reads them without loss: milliseconds, a point, and six
    /// digits. The Collector writes fewer digits, and Elasticsearch then reads 1 ns as 100 us.
    pub fn time(&mut self, unix_nano: u64) {
        self.string(&format!("{}.{:06}", unix_nano / 1_000_000, unix_nano % 1_000_000));
    }

    /// Any value; bytes are hex, and maps are text if `flat`.
    pub fn value(&mut self, value: Option<&Value>, flat: bool) {
        match value {
            None => self.plain("null"),
            Some(Value::StringValue(text)) => self.string(text),
            Some(Value::BoolValue(value)) => self.plain(value),
            Some(Value::IntValue(value)) => self.plain(value),
            Some(Value::DoubleValue(value)) => self.double(*value),
            Some(Value::BytesValue(bytes)) => self.hex(bytes),
            Some(Value::StringValueStrindex(index)) => self.plain(index),
            Some(Value::ArrayValue(list)) => {
                self.array(|json| list.values.iter().for_each(|inner| json.any(inner, flat)));
            }
            Some(Value::KvlistValue(map)) if flat => {
                let mut inner = Self::default();
                inner.map(&map.values);
                self.string(&String::from_utf8_lossy(&inner.0));
            }
            Some(Value::KvlistValue(map)) => self.map(&map.values),
        }
    }

    pub fn any(&mut self, any: &AnyValue, flat: bool) {
        self.value(any.value.as_ref(), flat);
    }

    /// A map; of a key that comes twice the first value stands, since Elasticsearch takes no document with two.
    pub fn map(&mut self, map: &[KeyValue]) {
        self.object(|json| {
            for (at, member) in map.iter().enumerate() {
                if map[..at].iter().any(|earlier| earlier.key == member.key) {
                    continue;
                }
                json.key(&member.key);
                json.value(member.value.as_ref().and_then(|any| any.value.as_ref()), false);
            }
        });
    }

    fn separate(&mut self) {
        if !matches!(self.0.last(), None | Some(b'{' | b'[' | b':' | b'\n')) {
            self.0.push(b',');
        }
    }
}

fn escape(out: &mut Vec<u8>, text: &str) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let replacement: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[from..at]);
        out.extend_from_slice(replacement);
        if replacement.is_empty() {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        }
        from = at + 1;
    }
    out.extend_from_slice(&text.as_bytes()[from..]);
}

impl From<Vec<u8>> for Json {
    fn from(written: Vec<u8>) -> Self {
        Self(written)
    }
}
