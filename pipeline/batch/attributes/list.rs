//! A list of attributes that can be changed, as structs or as wire bytes.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

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
    /// The same with what was made before.
    fn put_made(&mut self, made: &Made);
    /// Takes away the one with this key.
    fn remove(&mut self, key: &str);
    /// Keeps those whose keys `keep` says yes to.
    fn retain(&mut self, keep: &mut dyn FnMut(&str) -> bool);
    /// Shows the values of those to `change` whose keys `choose` says yes to.
    fn change(&mut self, choose: &dyn Fn(&str) -> bool, change: &mut dyn FnMut(&mut AnyValue));
}

/// An attribute that is made once and may be set often. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Made(Arc<KeyValue>, Arc<[u8]>);

impl Made {
    /// One of this name.
    pub fn new(key: &str, value: AnyValue) -> Self {
        let attribute = KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() };
        let content = attribute.encode_to_vec().into();
        Self(attribute.into(), content)
    }
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
            None => self.push(KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }),
        }
    }

    fn put_made(&mut self, made: &Made) {
        self.put(&made.0.key, made.0.value.clone().unwrap_or_default());
    }

    fn remove(&mut self, key: &str) {
        Vec::retain(self, |attribute| attribute.key != key);
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&str) -> bool) {
        Vec::retain(self, |attribute| keep(&attribute.key));
    }

    fn change(&mut self, choose: &dyn Fn(&str) -> bool, change: &mut dyn FnMut(&mut AnyValue)) {
        let chosen = self.iter_mut().filter(|attribute| choose(&attribute.key));
        chosen.for_each(|attribute| change(attribute.value.get_or_insert_default()));
    }
}

/// One attribute as it came, or as it was made.
enum Entry<'a> {
    /// Where it stands in the item, with its tag, and what is in it.
    Wire {
        key: &'a [u8],
        content: &'a [u8],
        place: Range<usize>,
    },
    Own(Made),
}

impl Entry<'_> {
    fn key(&self) -> &[u8] {
        match self {
            Self::Wire { key, .. } => key,
            Self::Own(own) => own.0.key.as_bytes(),
        }
    }

    /// The structural check has seen that keys are UTF-8; one that is not is nobody's.
    fn name(&self) -> &str {
        std::str::from_utf8(self.key()).unwrap_or_default()
    }
}

/// Attributes on the wire: those that nobody looks at stay the bytes they are.
#[derive(Default)]
pub(super) struct Raw<'a> {
    item: &'a [u8],
    entries: Vec<Entry<'a>>,
}

impl<'a> Raw<'a> {
    /// Forgets all, for the next item.
    pub fn begin(&mut self, item: &'a [u8]) {
        self.item = item;
        self.entries.clear();
    }

    /// Takes in one attribute, the content of a `KeyValue` in a field at this place of the item.
    pub fn push(&mut self, content: &'a [u8], place: Range<usize>) -> Result<(), wire::Fault> {
        self.entries.push(Entry::Wire { key: key_in(content)?, content, place });
        Ok(())
    }

    /// Appends all as fields of this number; neighbours that stayed are copied together.
    pub fn write(&self, number: u32, out: &mut Vec<u8>) {
        let mut pending = 0..0;
        for entry in &self.entries {
            match entry {
                Entry::Wire { place, .. } if place.start == pending.end => pending.end = place.end,
                Entry::Wire { place, .. } => {
                    out.extend_from_slice(&self.item[std::mem::replace(&mut pending, place.clone())]);
                }
                Entry::Own(Made(_, content)) => {
                    out.extend_from_slice(&self.item[std::mem::take(&mut pending)]);
                    wire::put_tag(out, number, 2);
                    wire::put_varint(out, content.len() as u64);
                    out.extend_from_slice(content);
                }
            }
        }
        out.extend_from_slice(&self.item[pending]);
    }

    fn find(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key() == key.as_bytes())
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
        Some(match &self.entries[self.find(key)?] {
            Entry::Wire { content, .. } => Cow::Owned(value_in(content)),
            Entry::Own(own) => own.0.value.as_ref().map_or(Cow::Owned(AnyValue::default()), Cow::Borrowed),
        })
    }

    fn put(&mut self, key: &str, value: AnyValue) {
        self.put_made(&Made::new(key, value));
    }

    fn put_made(&mut self, made: &Made) {
        let own = Entry::Own(made.clone());
        match self.find(&made.0.key) {
            Some(index) => self.entries[index] = own,
            None => self.entries.push(own),
        }
    }

    fn remove(&mut self, key: &str) {
        self.entries.retain(|entry| entry.key() != key.as_bytes());
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&str) -> bool) {
        self.entries.retain(|entry| keep(entry.name()));
    }

    fn change(&mut self, choose: &dyn Fn(&str) -> bool, change: &mut dyn FnMut(&mut AnyValue)) {
        for entry in self.entries.iter_mut().filter(|entry| choose(entry.name())) {
            let mut value = match entry {
                Entry::Own(own) => own.0.value.clone().unwrap_or_default(),
                Entry::Wire { content, .. } => value_in(content),
            };
            change(&mut value);
            *entry = Entry::Own(Made::new(entry.name(), value));
        }
    }
}
