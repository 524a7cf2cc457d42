//! A table by trace that knows which entry is the oldest.

use std::collections::{HashMap, VecDeque};

use super::TraceId;

/// Entries in the order in which they came or were last touched.
pub struct Recent<V> {
    entries: HashMap<TraceId, (u64, V)>,
    /// Every entry by its number, and some numbers that are no longer of an entry.
    order: VecDeque<(u64, TraceId)>,
    last: u64,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), last: 0 }
    }
}

impl<V> Recent<V> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn get_mut(&mut self, id: &TraceId) -> Option<&mut V> {
        self.entries.get_mut(id).map(|(_, value)| value)
    }

    /// Puts an entry in as the youngest.
    pub fn insert(&mut self, id: TraceId, value: V) {
        let number = self.number(id);
        self.entries.insert(id, (number, value));
    }

    /// Makes an entry the youngest. False if there is none.
    pub fn touch(&mut self, id: &TraceId) -> bool {
        if !self.entries.contains_key(id) {
            return false;
        }
        let number = self.number(*id);
        if let Some((of, _)) = self.entries.get_mut(id) {
            *of = number;
        }
        true
    }

    pub fn remove(&mut self, id: &TraceId) -> Option<V> {
        self.entries.remove(id).map(|(_, value)| value)
    }

    /// The oldest entry.
    pub fn oldest(&mut self) -> Option<TraceId> {
        while let Some((number, id)) = self.order.front() {
            if self.entries.get(id).is_some_and(|(of, _)| of == number) {
                return Some(*id);
            }
            self.order.pop_front();
        }
        None
    }

    /// The oldest entry of which this is true.
    pub fn oldest_where(&self, fits: impl Fn(&V) -> bool) -> Option<TraceId> {
        let entry = |(number, id): &(u64, TraceId)| {
            let (of, value) = self.entries.get(id)?;
            (of == number && fits(value)).then_some(*id)
        };
        self.order.iter().find_map(entry)
    }

    /// Every entry.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(_, value)| value)
    }

    fn number(&mut self, id: TraceId) -> u64 {
        self.last += 1;
        if self.order.len() > 2 * self.entries.len() + 64 {
            let entries = &self.entries;
            self.order.retain(|(number, id)| entries.get(id).is_some_and(|(of, _)| of == number));
        }
        self.order.push_back((self.last, id));
        self.last
    }
}

/// So many ids, those that nobody asked for longest go first. Of size 0 it holds none.
pub struct Remembered {
    ids: Recent<()>,
    most: usize,
}

impl Remembered {
    pub fn new(most: u32) -> Self {
        Self { ids: Recent::default(), most: most as usize }
    }

    /// Takes an id in. False if there is no room for any.
    pub fn put(&mut self, id: TraceId) -> bool {
        if self.most == 0 {
            return false;
        }
        self.ids.insert(id, ());
        if self.ids.len() > self.most
            && let Some(oldest) = self.ids.oldest()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    /// Whether an id is in it.
    pub fn has(&mut self, id: &TraceId) -> bool {
        self.ids.touch(id)
    }
}
