//! The tree between text and typed values.

use std::sync::Arc;

use indexmap::IndexMap;

/// Where a node was written: the source's name as the user gave it (a path, `env:X`, `--set`).
pub type Origin = Arc<str>;

/// A mapping in the order it was written.
pub type Map = IndexMap<String, Node>;

/// One value of the tree with what is needed to decode it and to blame it.
#[derive(Clone, Debug)]
pub struct Node {
    /// The parsed value.
    pub value: Value,
    /// The text a whole-value reference (`${env:X}`) stood for; string fields get this instead of the value.
    pub raw: Option<Arc<str>>,
    /// The source it came from.
    pub origin: Origin,
}

/// The kinds of value that YAML and the Collector have in common.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any integer that fits `i64` or `u64`.
    Int(i128),
    /// A floating point number.
    Float(f64),
    /// Text.
    String(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping.
    Map(Map),
}

impl PartialEq for Node {
    /// Equality of content: where a node was written does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::of(Value::Null)
    }
}

impl Node {
    /// A node that no text stands behind (defaults, encoded values).
    pub fn of(value: Value) -> Self {
        Self { value, raw: None, origin: Arc::from("") }
    }

    /// A node read from `origin`.
    pub fn from_source(value: Value, origin: &Origin) -> Self {
        Self { value, raw: None, origin: origin.clone() }
    }

    /// A mapping from name and value pairs, in this order.
    pub fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Node)>) -> Self {
        Self::of(Value::Map(entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()))
    }

    /// This mapping with the entries of another behind its own.
    pub fn and(mut self, more: Self) -> Self {
        if let (Value::Map(own), Value::Map(more)) = (&mut self.value, more.value) {
            own.extend(more);
        }
        self
    }

    /// A text node.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(Value::String(text.into()))
    }

    /// The entry `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// Whether this is an explicit or implied `null`.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }
}

impl Value {
    /// The kind's name in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}
