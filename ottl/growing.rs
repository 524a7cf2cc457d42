//! Maps that are made of a text: whoever wrote it may have put as many keys into it as there was room.

use std::collections::HashMap;

use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::value::find_or_insert;

/// So many keys are found faster by looking at all.
const FEW: usize = 32;

/// A map that is being made. It takes a time that grows with the number of keys, and not with its square.
#[derive(Debug, Default)]
pub struct Growing {
    entries: Vec<KeyValue>,
    /// Where the keys are, once they are many.
    places: HashMap<String, usize>,
}

impl Growing {
    /// The value below `key`, made if it is missing.
    pub fn value(&mut self, key: &str) -> &mut AnyValue {
        if self.entries.len() < FEW {
            return find_or_insert(&mut self.entries, key);
        }
        if self.places.is_empty() {
            let keys = self.entries.iter().map(|entry| entry.key.clone());
            self.places = keys.zip(0..).collect();
        }
        let place = *self.places.entry(key.to_owned()).or_insert(self.entries.len());
        if place == self.entries.len() {
            self.entries.push(KeyValue { key: key.to_owned(), ..KeyValue::default() });
        }
        self.entries[place].value.get_or_insert_default()
    }

    /// What it has become, in the order in which the keys came.
    pub fn into_entries(self) -> Vec<KeyValue> {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use pipeline::proto::common::v1::any_value::Value;

    use super::{FEW, Growing};

    #[test]
    fn a_key_stands_once_with_its_last_value_however_many_there_are() {
        let count = 3 * FEW as i64;
        let mut growing = Growing::default();
        for round in 0..2 {
            for number in 0..count {
                growing.value(&format!("k{number}")).value = Some(Value::IntValue(round * count + number));
            }
        }
        let entries = growing.into_entries();
        assert_eq!(entries.len() as i64, count);
        for (number, entry) in (0..).zip(entries) {
            assert_eq!(entry.key, format!("k{number}"));
            assert_eq!(entry.value.unwrap().value, Some(Value::IntValue(count + number)));
        }
    }
}
