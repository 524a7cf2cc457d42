//! Gives room back.

use std::fs;

use pipeline::storage::Change;

use super::{Log, SEGMENT_BYTES};

/// So much may be dead before anything is copied.
const DEAD_AT_LEAST: u64 = 4 * SEGMENT_BYTES;
/// A lone file in which nothing is alive is begun anew from this size on.
const CLEAR_FROM: u64 = SEGMENT_BYTES / 4;
/// So much is moved by one write.
const MOVE_BYTES: u64 = SEGMENT_BYTES;

impl Log {
    /// Bytes in all files.
    pub fn total_bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    /// Bytes that are still wanted.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// Removes what is dead, and moves a little when that is too much.
    pub(super) fn reclaim(&mut self) {
        self.remove_dead();
        if self.total_bytes() > 2 * self.live_bytes + DEAD_AT_LEAST {
            self.move_oldest();
        }
        self.clear_lone();
    }

    /// Moves everything that lives behind everything that is dead, and removes that.
    pub fn compact(&mut self) {
        let Some(last) = self.segments.keys().next_back().copied() else { return };
        self.active = None;
        while self.segments.keys().next().is_some_and(|oldest| *oldest <= last) {
            if !self.move_oldest() {
                return;
            }
        }
    }

    /// Only the oldest may go: what a later one forgets might still stand in an earlier one.
    fn remove_dead(&mut self) {
        while let Some((number, segment)) = self.segments.first_key_value() {
            let (number, name) = (*number, segment.name);
            let is_active = self.active.as_ref().is_some_and(|active| active.name == name);
            if segment.live > 0 || is_active || fs::remove_file(name.path(&self.folder)).is_err() {
                return;
            }
            self.segments.remove(&number);
            self.reading.take_if(|(open, _)| *open == number);
        }
    }

    /// False when it is still there.
    fn move_oldest(&mut self) -> bool {
        let Some(oldest) = self.segments.keys().next().copied() else { return false };
        if self.active.as_ref().is_some_and(|active| active.name.number == oldest) {
            return false;
        }
        let alive = self.index.iter().filter(|(_, place)| place.segment == oldest);
        let keys: Vec<_> = alive.map(|(key, _)| key.clone()).collect();
        let (mut batches, mut bytes) = (Vec::new(), 0);
        for key in keys {
            // What cannot be read stays where it is, for the one who asks for it.
            let Ok(Some(value)) = self.get(&key) else { return false };
            bytes += value.len() as u64;
            batches.push(vec![Change::Put { key: key.into(), value }]);
            if bytes >= MOVE_BYTES {
                bytes = 0;
                if self.write(&std::mem::take(&mut batches)).is_err() {
                    return false;
                }
            }
        }
        let moved = self.write(&batches).is_ok();
        self.remove_dead();
        moved && !self.segments.contains_key(&oldest)
    }

    fn clear_lone(&mut self) {
        let is_lone = self.segments.len() == 1 && self.index.is_empty();
        // A full disk needs every byte.
        let from = if self.unwritten.is_empty() { CLEAR_FROM } else { 0 };
        let Some(active) = self.active.as_mut().filter(|active| is_lone && active.end > from) else { return };
        if active.clear().is_ok() {
            self.unwritten.clear();
            self.segments.values_mut().for_each(|segment| segment.bytes = 0);
        }
    }
}
