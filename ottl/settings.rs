//! How groups of statements and conditions are written in a configuration.

use config::gates::Gate;
use config::{Decode, Decoder, FieldDoc, Node, Secrets, Value};

config::words! {
    /// What becomes of a failure while an item is looked at.
    pub enum ErrorMode: "error_mode" {
        /// It is logged, and the next condition or statement is looked at.
        Ignore = "ignore",
        /// The next condition or statement is looked at.
        Silent = "silent",
        /// The whole batch is refused.
        Propagate = "propagate",
    }
}

/// What stands in for a word that was not understood; the fault was reported.
impl Default for ErrorMode {
    fn default() -> Self {
        Self::Ignore
    }
}

impl ErrorMode {
    /// What is so if the settings do not say, by the gate that the Collector has for it.
    pub fn by_default(ignores: &Gate) -> Self {
        if ignores.is_on() { Self::Ignore } else { Self::Propagate }
    }
}

/// One group of texts with a context of its own.
pub trait Group: Decode + Default + Clone {
    /// Whether plain texts may follow groups.
    const MIXES: bool;
}

/// A list of groups, or of plain texts that are one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups<T> {
    /// The groups.
    pub groups: Vec<T>,
    /// Plain texts, whose context is inferred from all of them.
    pub plain: Vec<String>,
}

impl<T: Group> Decode for Groups<T> {
    const FIELDS: &'static [FieldDoc] = T::FIELDS;

    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let Value::List(items) = &node.value else {
            decoder.mismatch("a list", node);
            return default;
        };
        let mut read = Self { groups: Vec::new(), plain: Vec::new() };
        for (index, item) in items.iter().enumerate() {
            decoder.at(index.to_string(), |decoder| read.add(item, decoder));
        }
        read
    }

    fn validate(&self, decoder: &mut Decoder) {
        for (index, group) in self.groups.iter().enumerate() {
            decoder.at(index.to_string(), |decoder| group.validate(decoder));
        }
    }

    fn encode(&self, secrets: Secrets) -> Node {
        let groups = self.groups.iter().map(|group| group.encode(secrets));
        Node::of(Value::List(groups.chain(self.plain.iter().map(Node::text)).collect()))
    }
}

impl<T> Groups<T> {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.plain.is_empty()
    }
}

impl<T: Group> Groups<T> {
    fn add(&mut self, item: &Node, decoder: &mut Decoder) {
        let plain = matches!(item.value, Value::String(_)) || item.raw.is_some();
        let mixed = if plain { !T::MIXES && !self.groups.is_empty() } else { !self.plain.is_empty() };
        match &item.value {
            _ if mixed => decoder.error("plain texts and groups cannot stand in one list"),
            Value::Null => decoder.error("is empty"),
            _ if plain => self.plain.push(String::decode(item, String::new(), decoder)),
            _ => self.groups.push(T::decode(item, T::default(), decoder)),
        }
    }
}
