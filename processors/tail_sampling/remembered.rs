//! Decisions that are remembered longer than their traces.

use pipeline::Recent;

use super::TraceId;

/// So many ids, those that nobody asked for longest go first. Of size 0 it holds none.
pub struct Remembered {
    ids: Recent<TraceId, ()>,
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
