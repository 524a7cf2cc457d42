//! A table that knows which entry is the oldest.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Entries in the order in which they came or were last touched.
#[derive(Debug)]
pub struct Recent<K, V> {
    entries: HashMap<K, (u64, V)>,
    /// Every entry by its number, and some numbers that are no longer of an entry.
    order: VecDeque<(u64, K)>,
    last: u64,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), last: 0 }
    }
}

impl<K: Eq + Hash + Clone, V> Recent<K, V> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry with this key.
    pub fn get_mut(&mut self, id: &K) -> Option<&mut V> {
        self.entries.get_mut(id).map(|(_, value)| value)
    }

    /// Puts an entry in as the youngest.
    pub fn insert(&mut self, id: K, value: V) {
        let number = self.number(id.clone());
        self.entries.insert(id, (number, value));
    }

    /// Makes an entry the youngest. False if there is none.
    pub fn touch(&mut self, id: &K) -> bool {
        if !self.entries.contains_key(id) {
            return false;
        }
        let number = self.number(id.clone());
        if let Some((of, _)) = self.entries.get_mut(id) {
            *of = number;
        }
        true
    }

    /// Takes an entry out.
    pub fn remove(&mut self, id: &K) -> Option<V> {
        self.entries.remove(id).map(|(_, value)| value)
    }

    /// The oldest entry.
    pub fn oldest(&mut self) -> Option<K> {
        while let Some((number, id)) = self.order.front() {
            if self.entries.get(id).is_some_and(|(of, _)| of == number) {
                return Some(id.clone());
            }
            self.order.pop_front();
        }
        None
    }

    /// The oldest entry of which this is true.
    pub fn oldest_where(&self, fits: impl Fn(&V) -> bool) -> Option<K> {
        let entry = |(number, id): &(u64, K)| {
            let (of, value) = self.entries.get(id)?;
            (of == number && fits(value)).then(|| id.clone())
        };
        self.order.iter().find_map(entry)
    }

    /// Every entry.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(_, value)| value)
    }

    /// Every entry, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.entries.iter_mut().map(|(key, (_, value))| (key, value))
    }

    /// Keeps the entries of which this is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain(|key, (_, value)| keep(key, value));
    }

    fn number(&mut self, id: K) -> u64 {
        self.last += 1;
        if self.order.len() > 2 * self.entries.len() + 64 {
            let entries = &self.entries;
            self.order.retain(|(number, id)| entries.get(id).is_some_and(|(of, _)| of == number));
        }
        self.order.push_back((self.last, id));
        self.last
    }
}
