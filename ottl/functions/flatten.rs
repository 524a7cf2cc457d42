//! The editor that makes a map of maps and lists one plain map.

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::Kind::{Flag, Number, Path, Word};
use super::editors::map;
use super::{Failure, Function, editor, may, need};
use crate::call::Call;
use crate::target::Target;
use crate::value::{find, find_or_insert};

pub static FUNCTIONS: &[Function] = &[editor(
    "flatten",
    &[need("target", Path), may("prefix", Word), may("depth", Number), may("resolve_conflicts", Flag)],
    "Makes a map of maps and lists one map with dotted keys, down to a depth.",
    flatten,
)];

fn flatten(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let depth = call.number(2).unwrap_or(i64::MAX);
    if depth < 1 {
        return Err(Failure::from("depth must be above 0"));
    }
    let mut flat = Flat { entries: Vec::new(), taken: Vec::new(), depth, keep_all: call.flag(3) };
    let map = map(call, target)?;
    flat.map(std::mem::take(map), call.word(1).unwrap_or_default(), 0);
    *map = flat.entries;
    Ok(())
}

struct Flat {
    entries: Vec<KeyValue>,
    /// Keys with the number that the next value for it gets.
    taken: Vec<(String, usize)>,
    depth: i64,
    keep_all: bool,
}

impl Flat {
    fn map(&mut self, entries: Vec<KeyValue>, prefix: &str, depth: i64) {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
        for entry in entries {
            self.value(&entry.key, entry.value.unwrap_or_default(), depth, &prefix);
        }
    }

    fn value(&mut self, key: &str, value: AnyValue, depth: i64, prefix: &str) {
        let key = format!("{prefix}{key}");
        match value.value {
            Some(Value::KvlistValue(map)) if depth < self.depth => self.map(map.values, &key, depth + 1),
            Some(Value::ArrayValue(list)) if depth < self.depth => self.list(list.values, &key, depth),
            other => self.put(&key, AnyValue { value: other }),
        }
    }

    fn list(&mut self, items: Vec<AnyValue>, key: &str, depth: i64) {
        for (index, item) in items.into_iter().enumerate() {
            let below = format!("{key}.{index}");
            match item.value {
                Some(Value::KvlistValue(map)) if depth + 1 < self.depth => self.map(map.values, &below, depth + 2),
                Some(Value::ArrayValue(list)) if depth + 1 < self.depth => {
                    for (index, inner) in list.values.into_iter().enumerate() {
                        self.value(&index.to_string(), inner, depth + 3, &below);
                    }
                }
                other if self.keep_all => self.put(key, AnyValue { value: other }),
                other => self.put(&below, AnyValue { value: other }),
            }
        }
    }

    /// The last value of a key stays, unless all are kept: then later ones get a number.
    fn put(&mut self, key: &str, value: AnyValue) {
        if !self.keep_all || find(&self.entries, key).is_none() {
            *find_or_insert(&mut self.entries, key) = value;
            return;
        }
        let place = self.taken.iter().position(|(taken, _)| taken == key).unwrap_or_else(|| {
            self.taken.push((key.to_owned(), 0));
            self.taken.len() - 1
        });
        let number = self.taken[place].1;
        self.taken[place].1 += 1;
        *find_or_insert(&mut self.entries, &format!("{key}.{number}")) = value;
    }
}
