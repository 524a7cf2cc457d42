//! A list of attributes that can be changed, as structs or as wire bytes.

use std::borrow::Cow;

use prost::Message;

use crate::otlp::wire::{self, Value};
use crate::proto::common::v1::{AnyValue, KeyValue};

/// The tags of a key and of a value.
const KEY: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;

/// Attributes that can be changed. Keys stand once; where one stands twice the first counts.
pub trait Attributes {
    /// Whether there is one with this key.
    fn has(&self, key: &str) -> bool;
    /// The value of this key; without a kind if it stands there empty.
    fn get(&self, key: &str) -> Option<Cow<'_, AnyValue>>;
    /// Sets the value of this key, in its place if it is there.
    fn put(&mut self, key: &str, value: AnyValue);
    /// Keeps those whose keys `keep` says yes to.
    fn retain(&mut self, keep: &mut dyn FnMut(&str) -> bool);
    /// Shows the values of those to `change` whose keys `choose` says yes to.
    fn change(&mut self, choose: &dyn Fn(&str) -> bool, change: &mut dyn FnMut(&mut AnyValue));
}

impl Attributes for Vec<KeyValue> {
    fn has(&self, key: &str) -> bool {
        self.iter().any(|attribute| attribute.key == key)
    }

    fn get(&self, key: &str) -> Option<Cow<'_, AnyValue>> {
        let attribute = self.iter().find(|attribute| attribute.key == key)?;
        Some(attribute.value.as_ref().map_or(Cow::Owned(AnyValue::default()), Cow::Borrowed))
    }

    fn put(&mut self, key: &str, value: AnyValue) {
        match self.iter_mut().find(|attribute| attribute.key == key) {
            Some(attribute) => attribute.value = Some(value),
            None => self.push(made(key, value)),
        }
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&str) -> bool) {
        Vec::retain(self, |attribute| keep(&attribute.key));
    }

    fn change(&mut self, choose: &dyn Fn(&str) -> bool, change: &mut dyn FnMut(&mut AnyValue)) {
        let chosen = self.iter_mut().filter(|attribute| choose(&attribute.key));
        chosen.for_each(|attribute| change(attribute.value.get_or_insert_default()));
    }
}

fn made(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// One attribute as it came, or as it was made.
enum Entry<'a> {
    Wire { key: &'a str, content: &'a [u8] },
    Own(KeyValue),
}

impl Entry<'_> {
    fn key(&self) -> &str {
        match self {
            Self::Wire { key, .. } => key,
            Self::Own(own) => &own.key,
        }
    }
}

/// Attributes on the wire: those that nobody looks at stay the bytes they are.
#[derive(Default)]
pub(super) struct Raw<'a>(Vec<Entry<'a>>);

impl<'a> Raw<'a> {
    /// Forgets all, for the next item.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes in one attribute, the content of a `KeyValue`.
    pub fn push(&mut self, content: &'a [u8]) -> Result<(), wire::Fault> {
        let key = std::str::from_utf8(key_in(content)?).map_err(|_| wire::Fault::Utf8("key"))?;
        self.0.push(Entry::Wire { key, content });
        Ok(())
    }

    /// Appends all as fields of this number.
    pub fn write(&self, number: u32, out: &mut Vec<u8>) {
        for entry in &self.0 {
            wire::put_tag(out, number, 2);
            match entry {
                Entry::Wire { content, .. } => {
                    wire::put_varint(out, content.len() as u64);
                    out.extend_from_slice(content);
                }
                Entry::Own(own) => {
                    wire::put_varint(out, own.encoded_len() as u64);
                    own.encode_raw(out);
                }
            }
        }
    }

    fn find(&self, key: &str) -> Option<usize> {
        self.0.iter().position(|entry| entry.key() == key)
    }
}

/// The key in the content of a `KeyValue`; where it stands more than once the last counts, as in protobuf.
///
/// # Errors
/// Damage that the structural check would have found.
pub fn key_in(content: &[u8]) -> Result<&[u8], wire::Fault> {
    // As it nearly always is: a short key, then a short value that is all of the rest.
    if let [KEY, length, rest @ ..] = content
        && let Some((key, [VALUE, value_length, value @ ..])) = rest.split_at_checked(usize::from(*length))
        && *value_length < 0x80
        && usize::from(*value_length) == value.len()
        && *length < 0x80
    {
        return Ok(key);
    }
    let (mut key, mut at) = (&b""[..], 0);
    while at < content.len() {
        if let (1, Value::Bytes(text)) = wire::field(content, &mut at)? {
            key = text;
        }
    }
    Ok(key)
}

/// The value in the content of a `KeyValue`. What cannot be decoded is an empty value: its structure was checked.
fn value_in(content: &[u8]) -> AnyValue {
    KeyValue::decode(content).ok().and_then(|decoded| decoded.value).unwrap_or_default()
}

impl Attributes for Raw<'_> {
    fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    fn get(&self, key: &str) -> Option<Cow<'_, AnyValue>> {
        Some(match &self.0[self.find(key)?] {
            Entry::Wire { content, .. } => Cow::Owned(value_in(content)),
            Entry::Own(own) => own.value.as_ref().map_or(Cow::Owned(AnyValue::default()), Cow::Borrowed),
        })
    }

    fn put(&mut self, key: &str, value: AnyValue) {
        let own = Entry::Own(made(key, value));
        match self.find(key) {
            Some(index) => self.0[index] = own,
            None => self.0.push(own),
        }
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&str) -> bool) {
        self.0.retain(|entry| keep(entry.key()));
    }

    fn change(&mut self, choose: &dyn Fn(&str) -> bool, change: &mut dyn FnMut(&mut AnyValue)) {
        for entry in self.0.iter_mut().filter(|entry| choose(entry.key())) {
            match entry {
                Entry::Own(own) => change(own.value.get_or_insert_default()),
                Entry::Wire { key, content } => {
                    let mut value = value_in(content);
                    change(&mut value);
                    *entry = Entry::Own(made(key, value));
                }
            }
        }
    }
}
