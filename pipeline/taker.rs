//! Somebody who takes what this program says of itself.

use tokio::sync::mpsc;

use crate::ItemCounter;

/// Takes own spans or own log records. Cheap to clone.
#[derive(Debug)]
pub struct Taker<T> {
    /// Never waited for.
    pub items: mpsc::Sender<T>,
    /// Counts what found no room.
    pub dropped: ItemCounter,
}

impl<T> Taker<T> {
    /// Hands over, or counts what finds no room.
    pub fn take(&self, item: T) {
        if self.items.try_send(item).is_err() {
            self.dropped.add(1_u32);
        }
    }
}

impl<T> Clone for Taker<T> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone(), dropped: self.dropped.clone() }
    }
}
