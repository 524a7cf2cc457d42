//! What of a queue is on disk.
//!
//! An element is written before its sender is answered, read when it is its turn, and forgotten when all of it was
//! delivered or given up. What a stop interrupts, and what a crash leaves, is there at the next start, oldest first.

mod pieces;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use config::ComponentId;
use opentelemetry::KeyValue;

use crate::delivery::Place;
use crate::storage::{Namespace, Storage, StorageError, Storages};
use crate::{Batch, ItemCounter, Rejected, Signal, Telemetry};

pub use pieces::{Left, Reader, Waiting};
pub use record::Entry;

/// Why a batch was not taken.
const REFUSED: [&str; 3] = ["full", "failed", "closed"];
const NOT_STORED: (&str, &str) = ("not_stored", "Number of items that a storage did not take; their sender was told.");
/// Why a batch could not be read back.
const UNREADABLE: [&str; 4] = ["damaged", "missing", "undecodable", "failed"];
const NOT_READ: (&str, &str) = ("unreadable", "Number of stored items that could not be read back.");

/// A queue's part on disk.
pub struct Disk {
    storage: Arc<dyn Storage>,
    signal: Signal,
    name: String,
    next: AtomicU64,
    /// Elements from here on were not there at the start.
    first_new: u64,
    /// Elements that were there at the start and still are.
    from_before: AtomicU64,
    /// Something could not be delivered because of the stop: then nothing else can.
    halted: AtomicBool,
    refused: [(&'static str, ItemCounter); REFUSED.len()],
    unreadable: [(&'static str, ItemCounter); UNREADABLE.len()],
}

/// An opened one, and what is in it, oldest first.
pub struct Opened {
    pub disk: Arc<Disk>,
    pub entries: Vec<Entry>,
}

/// An element's place on disk; dropped without [`Kept::forget`], it stays.
#[derive(Clone)]
pub struct Kept {
    disk: Arc<Disk>,
    entry: Entry,
}

impl Disk {
    /// Opens what belongs to this exporter and signal.
    pub async fn open(
        storages: &dyn Storages,
        id: &ComponentId,
        signal: Signal,
        telemetry: &Telemetry,
    ) -> Result<Opened, StorageError> {
        let storage = storages.open(Namespace { kind: "exporter", id, name: signal.name() }).await?;
        let keys = storage.keys().await?;
        let entries: Vec<_> = keys.iter().filter_map(|key| Entry::parse(key)).collect();
        let name = format!("{id} ({signal})");
        if keys.len() > entries.len() {
            let keys = keys.len() - entries.len();
            tracing::warn!(queue = name, keys, "the storage has keys that are no queue's: left alone");
        }
        let first_new = entries.last().map_or(0, |last| last.index + 1);
        let place = Place { id: &id.to_string(), signal, telemetry };
        let disk = Self {
            storage,
            signal,
            name,
            next: first_new.into(),
            first_new,
            from_before: (entries.len() as u64).into(),
            halted: AtomicBool::new(false),
            refused: REFUSED.map(|reason| counter(place, NOT_STORED, reason)),
            unreadable: UNREADABLE.map(|reason| counter(place, NOT_READ, reason)),
        };
        Ok(Opened { disk: Arc::new(disk), entries })
    }

    /// Writes a batch. A caller that goes away before the answer gets it undone.
    pub async fn keep(self: &Arc<Self>, batch: &Batch) -> Result<Entry, Rejected> {
        let entry = Entry::new(self.next.fetch_add(1, Ordering::Relaxed), batch);
        let written = self.storage.put(entry.key(), record::encode(batch));
        let undo = Undo(Some(Kept { disk: self.clone(), entry }));
        let written = written.await;
        undo.nothing();
        written.map(|()| entry).map_err(|error| {
            count(&self.refused, error.reason(), batch.items());
            Rejected::retryable(format!("cannot be kept on disk: {error}"))
        })
    }

    /// Reads a batch. What will never be readable is forgotten; what the system could not read may be next time.
    async fn read(self: &Arc<Self>, entry: Entry) -> Option<Batch> {
        let read = match self.storage.get(&entry.key()).await {
            Ok(Some(bytes)) => record::decode(self.signal, bytes).map_err(|error| ("undecodable", error)),
            Ok(None) => Err(("missing", "it is not there".to_owned())),
            Err(error) => Err((error.reason(), error.to_string())),
        };
        let (reason, error) = match read {
            Ok(batch) => return Some(batch),
            Err(unreadable) => unreadable,
        };
        let (queue, items) = (&self.name, entry.items);
        tracing::error!(queue, reason, error, items, "a stored request cannot be read back; the others go on");
        count(&self.unreadable, reason, items);
        if reason != "failed" {
            self.kept(entry).forget();
        }
        None
    }

    /// The place of an element.
    pub fn kept(self: &Arc<Self>, entry: Entry) -> Kept {
        Kept { disk: self.clone(), entry }
    }

    /// Waits until everything is written, and says what is left for the next start.
    pub async fn close(&self) {
        let Ok(keys) = self.storage.keys().await else { return };
        let entries: Vec<_> = keys.iter().filter_map(|key| Entry::parse(key)).collect();
        let (queue, requests) = (&self.name, entries.len());
        let items: u64 = entries.iter().map(|entry| u64::from(entry.items)).sum();
        if requests > 0 {
            tracing::info!(queue, requests, items, "kept on disk for the next start");
        }
    }
}

impl Kept {
    /// It was delivered, or given up.
    pub fn forget(&self) {
        let Self { disk, entry } = self;
        if entry.index < disk.first_new {
            disk.from_before.fetch_sub(1, Ordering::Relaxed);
        }
        // Nobody waits: until it is written, a crash brings the element back.
        drop(disk.storage.delete(entry.key()));
    }

    /// The stop came before it was delivered.
    pub fn stay(&self) {
        self.disk.halted.store(true, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.entry.fmt(f)
    }
}

struct Undo(Option<Kept>);

impl Undo {
    fn nothing(mut self) {
        self.0 = None;
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        if let Some(kept) = self.0.take() {
            kept.forget();
        }
    }
}

fn counter(place: Place<'_>, (what, about): (&str, &'static str), reason: &'static str) -> (&'static str, ItemCounter) {
    let labels =
        [("exporter", place.id.to_owned()), ("data_type", place.signal.name().into()), ("reason", reason.into())];
    let labels = labels.map(|(key, value)| KeyValue::new(key, value)).to_vec();
    let counter = place.telemetry.items(format!("kpulse_exporter_{what}_items"), about, labels);
    (reason, counter)
}

fn count(counters: &[(&'static str, ItemCounter)], reason: &str, items: u32) {
    if let Some((_, counter)) = counters.iter().find(|(known, _)| *known == reason) {
        counter.add(items);
    }
}
