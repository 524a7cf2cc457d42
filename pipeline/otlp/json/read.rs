//! JSON text to wire bytes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::surrogates;
use crate::otlp::schema::{Field, Kind, Message, Presence};
use crate::otlp::wire::{Length, put_tag, put_varint};

/// Reads one OTLP/JSON document as wire bytes of type `root`. Unknown keys are skipped, null means absent, what is not
/// UTF-8 becomes the replacement character.
///
/// # Errors
/// Bad JSON, a value of the wrong type, a number out of range, a bad id: with line, column and field.
pub fn read(root: &'static Message, text: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let text = String::from_utf8_lossy(text);
    document(root, &text).or_else(|error| match surrogates::replaced(&text) {
        Some(text) => document(root, &text),
        None => Err(error),
    })
}

fn document(root: &'static Message, text: &str) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut json = serde_json::Deserializer::from_str(text);
    MessageSeed { message: root, out: &mut out }.deserialize(&mut json)?;
    json.end()?;
    Ok(out)
}

/// Appends the fields of one message.
struct MessageSeed<'o> {
    message: &'static Message,
    out: &'o mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", self.message.name)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match self.message.field_named(&key) {
                Some(field) => map.next_value_seed(FieldSeed { field, out: self.out })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Appends one field: an element, a list of them, or nothing for null.
struct FieldSeed<'o> {
    field: &'static Field,
    out: &'o mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.field.presence {
            Presence::Repeated => json.deserialize_any(ListVisitor(self)),
            _ => ElementSeed { field: self.field, out: self.out, null: Null::Absent }.deserialize(json),
        }
    }
}

struct ListVisitor<'o>(FieldSeed<'o>);

impl<'de> Visitor<'de> for ListVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list for {}", self.0.field.name)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let FieldSeed { field, out } = self.0;
        while list.next_element_seed(ElementSeed { field, out, null: Null::Empty })?.is_some() {}
        Ok(())
    }
}

/// What null stands for: nothing for a field, an empty element within a list.
#[derive(Clone, Copy, PartialEq)]
enum Null {
    Absent,
    Empty,
}

/// Appends one tagged value.
struct ElementSeed<'o> {
    field: &'static Field,
    out: &'o mut Vec<u8>,
    null: Null,
}

impl<'de> DeserializeSeed<'de> for ElementSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let Kind::Message(message) = self.field.kind else {
            return json.deserialize_any(ScalarVisitor(self));
        };
        let before = self.out.len();
        put_tag(self.out, self.field.number, 2);
        let length = Length::ahead(self.out, 0);
        let present = json.deserialize_any(PresenceVisitor(MessageSeed { message, out: self.out }))?;
        match present || self.null == Null::Empty {
            true => length.set(self.out),
            false => self.out.truncate(before),
        }
        Ok(())
    }
}

/// A message, or null: tells which.
struct PresenceVisitor<'o>(MessageSeed<'o>);

impl<'de> Visitor<'de> for PresenceVisitor<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        self.0.visit_map(map).map(|()| true)
    }
}

struct ScalarVisitor<'o>(ElementSeed<'o>);

impl ScalarVisitor<'_> {
    fn put_varint(self, bits: u64) {
        put_tag(self.0.out, self.0.field.number, 0);
        put_varint(self.0.out, bits);
    }

    fn put_bytes(self, bytes: &[u8]) {
        put_tag(self.0.out, self.0.field.number, 2);
        put_varint(self.0.out, bytes.len() as u64);
        self.0.out.extend_from_slice(bytes);
    }

    fn put_fixed64(self, bits: u64) {
        put_tag(self.0.out, self.0.field.number, 1);
        self.0.out.extend_from_slice(&bits.to_le_bytes());
    }

    fn wrong(&self, given: impl fmt::Display) -> String {
        format!("{given} does not fit {}", self.0.field.name)
    }

    fn integer<E: serde::de::Error>(self, value: i128) -> Result<(), E> {
        let fits = match self.0.field.kind {
            Kind::Int32 | Kind::Sint32 | Kind::Enum(_) => i32::try_from(value).is_ok(),
            Kind::Uint32 | Kind::Fixed32 => u32::try_from(value).is_ok(),
            Kind::Int64 | Kind::Sfixed64 => i64::try_from(value).is_ok(),
            Kind::Uint64 | Kind::Fixed64 => u64::try_from(value).is_ok(),
            Kind::Double => true,
            _ => false,
        };
        if !fits {
            return Err(E::custom(self.wrong(value)));
        }
        match self.0.field.kind {
            Kind::Double => self.put_fixed64((value as f64).to_bits()),
            Kind::Fixed64 | Kind::Sfixed64 => self.put_fixed64(value as u64),
            Kind::Fixed32 => {
                put_tag(self.0.out, self.0.field.number, 5);
                self.0.out.extend_from_slice(&(value as u32).to_le_bytes());
            }
            Kind::Sint32 => {
                let value = value as i32;
                self.put_varint(u64::from((value << 1 ^ value >> 31) as u32));
            }
            // Negative 32-bit numbers are sign-extended to ten bytes on the wire.
            _ => self.put_varint(value as i64 as u64),
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for ScalarVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value for {}", self.0.field.name)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        // An absent scalar is fine; one missing in a list of numbers or texts would move all after it.
        match self.0.null {
            Null::Absent => Ok(()),
            Null::Empty => Err(E::custom(self.wrong("null in a list"))),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        match self.0.field.kind {
            Kind::Bool => self.put_varint(value.into()),
            _ => return Err(E::custom(self.wrong(value))),
        }
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.integer(value.into())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.integer(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        match self.0.field.kind {
            Kind::Double => self.put_fixed64(value.to_bits()),
            _ if value.fract() == 0.0 && value.abs() < 9.0e18 => return self.integer(value as i128),
            _ => return Err(E::custom(self.wrong(value))),
        }
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        match self.0.field.kind {
            Kind::String => self.put_bytes(text.as_bytes()),
            Kind::Bytes => {
                let bytes = BASE64.decode(text).map_err(|e| E::custom(format!("{}: {e}", self.0.field.name)))?;
                self.put_bytes(&bytes);
            }
            Kind::Id(length) => {
                let id = unhex(text).filter(|id| id.is_empty() || id.len() == length);
                let id = id.ok_or_else(|| E::custom(self.wrong(format_args!("{text:?}"))))?;
                self.put_bytes(&id);
            }
            Kind::Double => {
                let value = double(text).ok_or_else(|| E::custom(self.wrong(format_args!("{text:?}"))))?;
                self.put_fixed64(value.to_bits());
            }
            Kind::Enum(names) => match names.iter().find(|(name, _)| *name == text) {
                Some((_, value)) => return self.integer((*value).into()),
                None => return Err(E::custom(self.wrong(format_args!("{text:?}")))),
            },
            Kind::Bool | Kind::Message(_) => return Err(E::custom(self.wrong(format_args!("{text:?}")))),
            _ => {
                let value = text.parse().map_err(|_| E::custom(self.wrong(format_args!("{text:?}"))))?;
                return self.integer(value);
            }
        }
        Ok(())
    }
}

fn double(text: &str) -> Option<f64> {
    // Also `nan`, `Inf` and `+infinity`, which the Collector reads; but digits that are too many are a mistake.
    let value: f64 = text.parse().ok()?;
    (value.is_finite() || !text.contains(|c: char| c.is_ascii_digit())).then_some(value)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|d| d as u8);
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
