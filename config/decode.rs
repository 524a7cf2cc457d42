//! Tree to typed values, with every fault reported at once.

use crate::encode::Secrets;
use crate::error::{Error, Errors};
use crate::node::{Map, Node, Value};
use crate::suggest::nearest;

/// A value that can be a setting. Implemented for scalars, lists, [`crate::Section`] and, by
/// [`crate::settings!`], for structs.
pub trait Decode: Sized {
    /// The keys below it, for reference pages; none for scalars.
    const FIELDS: &'static [FieldDoc] = &[];

    /// Reads `node`. A fault goes to `decoder`, and `default` stands in so that decoding goes on.
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self;

    /// What an explicit `null` means. Sections and lists keep their default, scalars become zero
    /// (observed with the Collector 0.155).
    fn null(default: Self) -> Self {
        default
    }

    /// Checks what types alone cannot say. Called after the whole tree was decoded.
    fn validate(&self, _decoder: &mut Decoder) {}

    /// The inverse of `decode`, for `print-config`.
    fn encode(&self, secrets: Secrets) -> Node;
}

/// The rules between the fields of one struct of settings.
pub trait Rules {
    /// Reports every broken rule to `decoder`, whose path is that of the struct.
    fn rules(&self, _decoder: &mut Decoder) {}

    /// Sets defaults that depend on which other keys were written.
    fn complete(&mut self, _written: &Fields<'_>) {}
}

/// One row of a component's reference page.
#[derive(Clone, Copy, Debug)]
pub struct FieldDoc {
    /// The YAML key.
    pub key: &'static str,
    /// The doc comment of the field.
    pub doc: &'static str,
    /// The keys below it.
    pub fields: &'static [FieldDoc],
}

impl FieldDoc {
    const NONE: Self = Self { key: "", doc: "", fields: &[] };

    /// How many rows these tables have together.
    pub const fn count(tables: &[&[Self]]) -> usize {
        let (mut count, mut table) = (0, 0);
        while table < tables.len() {
            count += tables[table].len();
            table += 1;
        }
        count
    }

    /// These tables as one; `N` is their [`FieldDoc::count`].
    pub const fn joined<const N: usize>(tables: &[&[Self]]) -> [Self; N] {
        let (mut rows, mut at, mut table) = ([Self::NONE; N], 0, 0);
        while table < tables.len() {
            let mut row = 0;
            while row < tables[table].len() {
                rows[at] = tables[table][row];
                (at, row) = (at + 1, row + 1);
            }
            table += 1;
        }
        rows
    }

    /// The keys of a table.
    pub fn keys(table: &[Self]) -> Vec<&'static str> {
        table.iter().map(|row| row.key).collect()
    }
}

/// The path walked so far and the faults found.
#[derive(Debug, Default)]
pub struct Decoder {
    path: Vec<String>,
    errors: Vec<Error>,
}

impl Decoder {
    /// Runs `inner` one step deeper.
    pub fn at<T>(&mut self, step: impl Into<String>, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.into());
        let result = inner(self);
        self.path.pop();
        result
    }

    /// Records a fault at the current path.
    pub fn error(&mut self, message: impl Into<String>) {
        self.errors.push(Error { path: self.path.clone(), message: message.into() });
    }

    /// Records that another kind of value was expected.
    pub fn mismatch(&mut self, wanted: &str, node: &Node) {
        let shown = match &node.value {
            Value::String(s) => format!("a string ({s:?})"),
            Value::Bool(b) => format!("a bool ({b})"),
            Value::Int(i) => format!("an integer ({i})"),
            Value::Float(f) => format!("a float ({f})"),
            other => other.kind().to_owned(),
        };
        self.error(format!("expected {wanted}, got {shown}"));
    }

    /// One value, which may be null: an explicit one, or a variable that is not set.
    pub fn value<T: Decode>(&mut self, node: &Node, default: T) -> T {
        match node.value {
            Value::Null if node.raw.is_none() => T::null(default),
            _ => T::decode(node, default, self),
        }
    }

    /// Opens a map of settings; null is the empty map. Unknown keys are reported with the nearest known one.
    pub fn fields<'n>(&mut self, node: &'n Node, known: &[&str]) -> Option<Fields<'n>> {
        let map = match &node.value {
            Value::Map(map) => Some(map),
            Value::Null => None,
            _ => {
                self.mismatch("a map", node);
                return None;
            }
        };
        for key in map.into_iter().flat_map(Map::keys).filter(|key| !known.contains(&key.as_str())) {
            self.unknown("key", key, known);
        }
        Some(Fields(map))
    }

    /// Records an unknown word, with the nearest or all of the known ones.
    pub fn unknown(&mut self, what: &str, word: &str, known: &[&str]) {
        let hint = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None if known.is_empty() => "nothing can be set here".to_owned(),
            None => format!("known here: {}", known.join(", ")),
        };
        self.error(format!("unknown {what} {word:?}; {hint}"));
    }

    /// All faults, in the order they were found.
    pub fn finish(self) -> Errors {
        Errors(self.errors)
    }
}

/// An open map of settings.
#[derive(Clone, Copy)]
pub struct Fields<'n>(Option<&'n Map>);

impl<'n> Fields<'n> {
    /// Only what stands in this table.
    pub fn of(&self, table: &[FieldDoc]) -> Node {
        let entries = self.0.into_iter().flatten().filter(|(key, _)| table.iter().any(|row| row.key == *key));
        Node::of(Value::Map(entries.map(|(key, node)| (key.clone(), node.clone())).collect()))
    }

    /// What was written for `key`.
    pub fn written(&self, key: &str) -> Option<&'n Node> {
        self.0.and_then(|map| map.get(key))
    }

    /// The typed value of `key`: its default when absent, [`Decode::null`] when explicitly null.
    pub fn take<T: Decode>(&self, key: &str, default: T, decoder: &mut Decoder) -> T {
        let Some(node) = self.written(key) else {
            return default;
        };
        decoder.at(key, |decoder| decoder.value(node, default))
    }
}
