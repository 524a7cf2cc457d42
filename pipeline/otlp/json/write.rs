//! Wire bytes to JSON text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::otlp::attribute::{self, Plain, Scalar};
use crate::otlp::schema::{Field, KEY_VALUE, Kind, Message, Presence};
use crate::otlp::wire::{self, Error, Fault, Value};

/// Appends `bytes`, a request of type `root`, to `out` as one line of JSON (no newline).
///
/// # Errors
/// Damage that [`crate::otlp::walk`] would have found; `out` then holds a part.
pub fn write(root: &'static Message, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    Writer { out, entries: Vec::new() }.message(root, bytes, 0)
}

/// One field found in a message: its place in the table and its value.
type Entry<'a> = (usize, Value<'a>);

struct Writer<'a, 'o> {
    out: &'o mut Vec<u8>,
    /// A stack of the fields of all open messages; each message uses the part above its start.
    entries: Vec<Entry<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn message(&mut self, message: &'static Message, bytes: &'a [u8], depth: usize) -> Result<(), Error> {
        let fail = |offset, what| Error { message: message.name, offset, what };
        if depth == crate::otlp::walk::MAX_DEPTH {
            return Err(fail(0, Fault::Depth));
        }
        let start = self.entries.len();
        let mut at = 0;
        let mut choices = 0;
        while at < bytes.len() {
            let offset = at;
            let (number, value) = wire::field(bytes, &mut at).map_err(|what| fail(offset, what))?;
            if let Some(index) = message.index_of(number) {
                self.entries.push((index, value));
                choices += usize::from(message.fields[index].presence == Presence::OneOf);
            }
        }
        if choices > 1 {
            self.choose(message, start);
        }
        // Fields may come in any order and lists in several parts: gather them. Already sorted is the rule.
        if !self.entries[start..].is_sorted_by_key(|(index, _)| *index) {
            self.entries[start..].sort_by_key(|(index, _)| *index);
        }
        self.out.push(b'{');
        let mut comma = false;
        let mut next = start;
        for (index, field) in message.fields.iter().enumerate() {
            let first = next;
            while self.entries.get(next).is_some_and(|(i, _)| *i == index) {
                next += 1;
            }
            let written = self.field(field, first, next, comma, depth).map_err(|e| match e {
                Failure::Here(what) => fail(0, what),
                Failure::Below(error) => error,
            })?;
            comma |= written;
        }
        self.entries.truncate(start);
        self.out.push(b'}');
        Ok(())
    }

    /// Of the fields of a `oneof` only the last one counts.
    fn choose(&mut self, message: &'static Message, start: usize) {
        let is_choice = |(index, _): &Entry<'_>| message.fields[*index].presence == Presence::OneOf;
        let last = self.entries[start..].iter().rfind(|entry| is_choice(entry)).map(|(index, _)| *index);
        let kept: Vec<_> = self.entries.drain(start..).filter(|e| !is_choice(e) || Some(e.0) == last).collect();
        self.entries.extend(kept);
    }

    /// Writes the entries `first..end` as one field; false when there is nothing worth writing.
    fn field(
        &mut self,
        field: &'static Field,
        first: usize,
        end: usize,
        comma: bool,
        depth: usize,
    ) -> Result<bool, Failure> {
        let absent = match field.presence {
            Presence::Always => false,
            _ => first == end,
        };
        if absent || (field.presence == Presence::Implicit && is_zero(self.entries[end - 1].1)) {
            return Ok(false);
        }
        if comma {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(field.name.as_bytes());
        self.out.extend_from_slice(b"\":");
        match (field.presence, field.kind) {
            (Presence::Repeated, _) => self.list(field, first, end, depth)?,
            (_, Kind::Message(_)) if first == end => self.out.extend_from_slice(b"{}"),
            (_, Kind::Message(inner)) if end - first > 1 => self.merged(field, inner, first, end, depth)?,
            // A scalar that stands more than once: the last one counts.
            _ => self.value(field, self.entries[end - 1].1, depth)?,
        }
        Ok(true)
    }

    fn list(&mut self, field: &'static Field, first: usize, end: usize, depth: usize) -> Result<(), Failure> {
        self.out.push(b'[');
        let mut comma = false;
        for index in first..end {
            match self.entries[index].1 {
                Value::Bytes(packed) if !field.kind.matches(Value::Bytes(&[])) => {
                    let mut at = 0;
                    while at < packed.len() {
                        let value = field.kind.unpack(packed, &mut at)?;
                        self.element(field, value, &mut comma, depth)?;
                    }
                }
                value => self.element(field, value, &mut comma, depth)?,
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn element(
        &mut self,
        field: &'static Field,
        value: Value<'a>,
        comma: &mut bool,
        depth: usize,
    ) -> Result<(), Failure> {
        if std::mem::replace(comma, true) {
            self.out.push(b',');
        }
        if let (Kind::Message(message), Value::Bytes(content)) = (field.kind, value)
            && std::ptr::eq(message, &KEY_VALUE)
            && let Some(plain) = attribute::plain(content)
            && self.attribute(plain)
        {
            return Ok(());
        }
        self.value(field, value, depth)
    }

    /// Writes an attribute as it nearly always is; false, and nothing, for any other.
    fn attribute(&mut self, Plain { key, value }: Plain<'_>) -> bool {
        if key.is_empty() || !is_plain(key) || matches!(value, Scalar::Text(text) if !is_plain(text)) {
            return false;
        }
        self.out.extend_from_slice(br#"{"key":""#);
        self.out.extend_from_slice(key);
        let name = match value {
            Scalar::Text(_) => &br#"","value":{"stringValue":"#[..],
            Scalar::Truth(_) => br#"","value":{"boolValue":"#,
            Scalar::Whole(_) => br#"","value":{"intValue":"#,
            Scalar::Real(_) => br#"","value":{"doubleValue":"#,
        };
        self.out.extend_from_slice(name);
        match value {
            Scalar::Text(text) => self.quoted(|out| out.extend_from_slice(text)),
            Scalar::Truth(truth) => self.number(Kind::Bool, Value::Varint(truth.into())),
            Scalar::Whole(number) => self.number(Kind::Int64, Value::Varint(number as u64)),
            Scalar::Real(number) => self.double(number),
        }
        self.out.extend_from_slice(b"}}");
        true
    }

    /// A message that stands in several parts is their concatenation (protobuf's merge rule).
    fn merged(
        &mut self,
        field: &'static Field,
        inner: &'static Message,
        first: usize,
        end: usize,
        depth: usize,
    ) -> Result<(), Failure> {
        let mut whole = Vec::new();
        for (_, value) in &self.entries[first..end] {
            let Value::Bytes(part) = value else {
                return Err(Failure::Here(Fault::Mismatch(field.name)));
            };
            whole.extend_from_slice(part);
        }
        Ok(Writer { out: self.out, entries: Vec::new() }.message(inner, &whole, depth + 1)?)
    }

    fn value(&mut self, field: &'static Field, value: Value<'a>, depth: usize) -> Result<(), Failure> {
        match (field.kind, value) {
            (Kind::Message(inner), Value::Bytes(bytes)) => self.message(inner, bytes, depth + 1)?,
            (Kind::String, Value::Bytes(text)) => {
                if is_plain(text) {
                    self.quoted(|out| out.extend_from_slice(text));
                } else {
                    let text = std::str::from_utf8(text).map_err(|_| Fault::Utf8(field.name))?;
                    // Writing to a Vec cannot fail.
                    let _ = serde_json::to_writer(&mut *self.out, text);
                }
            }
            (Kind::Bytes, Value::Bytes(bytes)) => {
                self.quoted(|out| out.extend_from_slice(BASE64.encode(bytes).as_bytes()))
            }
            (Kind::Id(_), Value::Bytes(id)) => self.quoted(|out| hex(id, out)),
            (kind, value) if kind.matches(value) => self.number(kind, value),
            _ => return Err(Failure::Here(Fault::Mismatch(field.name))),
        }
        Ok(())
    }

    fn number(&mut self, kind: Kind, value: Value<'_>) {
        let bits = match value {
            Value::Varint(bits) | Value::Fixed64(bits) => bits,
            Value::Fixed32(bits) => bits.into(),
            Value::Bytes(_) => 0,
        };
        match kind {
            Kind::Bool => self.out.extend_from_slice(if bits == 0 { b"false" } else { b"true" }),
            Kind::Int32 | Kind::Enum(_) => self.integer(i64::from(bits as i32)),
            Kind::Sint32 => self.integer(i64::from(unzigzag(bits as u32))),
            Kind::Int64 | Kind::Sfixed64 => self.quoted(|out| decimal(out, bits as i64)),
            Kind::Uint64 | Kind::Fixed64 => self.quoted(|out| decimal(out, bits)),
            Kind::Double => self.double(f64::from_bits(bits)),
            _ => self.integer(i64::from(bits as u32)),
        }
    }

    fn integer(&mut self, value: i64) {
        decimal(self.out, value);
    }

    fn double(&mut self, value: f64) {
        if value.is_finite() {
            let _ = serde_json::to_writer(&mut *self.out, &value);
            return;
        }
        let text: &[u8] = match (value.is_nan(), value > 0.0) {
            (true, _) => b"\"NaN\"",
            (_, true) => b"\"Infinity\"",
            (_, false) => b"\"-Infinity\"",
        };
        self.out.extend_from_slice(text);
    }

    fn quoted(&mut self, inner: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(b'"');
        inner(self.out);
        self.out.push(b'"');
    }
}

impl Message {
    fn index_of(&self, number: u32) -> Option<usize> {
        let near = (number as usize).checked_sub(1)?;
        match self.fields.get(near) {
            Some(field) if field.number == number => Some(near),
            _ => self.fields.iter().position(|field| field.number == number),
        }
    }
}

/// An error of this message, or one that already names its own.
enum Failure {
    Here(Fault),
    Below(Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Here(fault)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Below(error)
    }
}

fn is_zero(value: Value<'_>) -> bool {
    match value {
        Value::Varint(bits) | Value::Fixed64(bits) => bits == 0,
        Value::Fixed32(bits) => bits == 0,
        Value::Bytes(bytes) => bytes.is_empty(),
    }
}

fn unzigzag(bits: u32) -> i32 {
    (bits >> 1) as i32 ^ -((bits & 1) as i32)
}

fn decimal(out: &mut Vec<u8>, value: impl serde::Serialize) {
    // serde_json writes integers by the `itoa` algorithm; a Vec takes every write.
    let _ = serde_json::to_writer(out, &value);
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for chunk in bytes.chunks(8) {
        let mut digits = [0; 16];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(chunk) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        out.extend_from_slice(&digits[..2 * chunk.len()]);
    }
}

/// Whether JSON has the text as it is: ASCII without control characters, quotation marks and backslashes. Eight bytes at
/// a time: nearly all texts are.
fn is_plain(text: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The top bit of each byte that is zero, as long as no byte has its top bit set (Bit Twiddling Hacks, haszero).
    let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes & TOPS;
    let is_special = |bytes: u64| {
        let control = bytes.wrapping_sub(ONES * 0x20) & !bytes & TOPS;
        (bytes & TOPS) | control | zeros(bytes ^ (ONES * u64::from(b'"'))) | zeros(bytes ^ (ONES * u64::from(b'\\')))
    };
    let is_fine = |chunk: &[u8; 8]| is_special(u64::from_ne_bytes(*chunk)) == 0;
    match text.last_chunk::<8>() {
        // The last eight may be looked at in part twice.
        Some(last) => text.as_chunks::<8>().0.iter().all(is_fine) && is_fine(last),
        None => {
            let mut padded = [b' '; 8];
            padded.iter_mut().zip(text).for_each(|(room, byte)| *room = *byte);
            is_fine(&padded)
        }
    }
}
