//! Keys and values in a folder of files that are only appended to.
//!
//! A batch is one frame, written by one call; a frame that is not whole was never acknowledged. The index (about 100
//! bytes for each key) is in memory, values are not. Where nothing of the oldest file is alive, it is removed; when more
//! is dead than alive, what lives in the oldest file moves to the newest one first. So a queue, which forgets in the order
//! in which it keeps, never copies anything.

mod frame;
mod open;
mod segment;
mod space;
#[cfg(test)]
pub mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use pipeline::storage::{Change, StorageError};

use frame::Stored;
pub use open::{Damage, Progress};
use segment::{Active, Name};

/// A file of this size is followed by the next one.
const SEGMENT_BYTES: u64 = 1 << 20;

/// An open folder.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    fsync: bool,
    index: BTreeMap<Box<[u8]>, Place>,
    /// All files, by their number, with the one that is written.
    segments: BTreeMap<u32, Segment>,
    active: Option<Active>,
    reading: Option<(u32, File)>,
    /// Keys that are forgotten, while there was no room to write that down, and the file that has them.
    unwritten: HashMap<Box<[u8]>, u32>,
    live_bytes: u64,
    /// One process at a time; released when it is closed.
    _lock: File,
}

/// Where a value is.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: u32,
    frame: u32,
    frame_length: u32,
    /// From the beginning of the frame.
    value: u32,
    value_length: u32,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    name: Name,
    bytes: u64,
    live: u32,
}

impl Log {
    /// Every key in order.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.index.keys().map(|key| key.to_vec()).collect()
    }

    /// The value of a key, checked.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        let Some(place) = self.index.get(key).copied() else { return Ok(None) };
        let name = self.segments.get(&place.segment).ok_or_else(|| self.damaged(None))?.name;
        let frame = self.read(name, place).map_err(|error| self.failed(&error))?;
        if frame::length(&frame, name.salt) != Some(frame.len()) {
            return Err(self.damaged(Some(name)));
        }
        let start = place.value as usize;
        Ok(Some(Bytes::from(frame).slice(start..start + place.value_length as usize)))
    }

    /// Makes the changes of each batch, all or none of it. The answers are in their order.
    pub fn commit(&mut self, batches: &[Vec<Change>]) -> Vec<Result<(), StorageError>> {
        let answers = match self.write(batches) {
            Err(_) if batches.len() > 1 => batches.iter().map(|one| self.write_one(one)).collect(),
            Err(error) => vec![self.forgive(&batches[0], error)],
            Ok(()) => vec![Ok(()); batches.len()],
        };
        self.reclaim();
        answers
    }

    fn write_one(&mut self, batch: &Vec<Change>) -> Result<(), StorageError> {
        match self.write(std::slice::from_ref(batch)) {
            Ok(()) => Ok(()),
            Err(error) => self.forgive(batch, error),
        }
    }

    /// Forgetting makes room, so it must not need any: it is written down later. Until then a crash brings back what
    /// was forgotten.
    fn forgive(&mut self, batch: &[Change], error: StorageError) -> Result<(), StorageError> {
        let only_deletes = batch.iter().all(|change| matches!(change, Change::Delete { .. }));
        if !only_deletes || !matches!(error, StorageError::Full { .. }) {
            return Err(error);
        }
        for change in batch {
            let Change::Delete { key } = change else { continue };
            if let Some(place) = self.remove(key) {
                self.unwritten.insert(key.clone().into(), place.segment);
            }
        }
        Ok(())
    }

    fn write(&mut self, batches: &[Vec<Change>]) -> Result<(), StorageError> {
        if batches.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let name = self.active()?;
        let (bytes, frames) = self.frames(batches, name.salt)?;
        let Some(active) = &mut self.active else { return Err(StorageError::Closed) };
        let base = active.end;
        active.append(&bytes, self.fsync).map_err(|error| self.failed(&error))?;
        if let Some(segment) = self.segments.get_mut(&name.number) {
            segment.bytes = base + bytes.len() as u64;
        }
        for frame in frames {
            let place = Place {
                segment: name.number,
                frame: u32::try_from(base).unwrap_or(u32::MAX) + frame.start as u32,
                frame_length: frame.len() as u32,
                value: 0,
                value_length: 0,
            };
            frame::changes(&bytes[frame]).for_each(|change| self.note(&change, place));
        }
        self.unwritten.clear();
        Ok(())
    }

    /// The bytes of all batches, after what was forgotten and is not written down yet, and where their frames are.
    fn frames(&mut self, batches: &[Vec<Change>], salt: u64) -> Result<(Vec<u8>, Vec<Range<usize>>), StorageError> {
        let (mut bytes, mut frames) = (Vec::new(), Vec::new());
        self.unwritten.retain(|_, segment| self.segments.contains_key(segment));
        let late: Vec<_> = self.unwritten.keys().map(|key| Change::Delete { key: key.to_vec() }).collect();
        for batch in std::iter::once(&late).chain(batches).filter(|batch| !batch.is_empty()) {
            let start = bytes.len();
            frame::write(&mut bytes, batch, salt).map_err(|frame::TooLarge| self.too_large())?;
            frames.push(start..bytes.len());
        }
        Ok((bytes, frames))
    }

    /// Brings the index up to date with a change in a frame.
    fn note(&mut self, change: &Stored<'_>, frame: Place) {
        match change {
            Stored::Delete { key } => {
                self.remove(key);
            }
            Stored::Put { key, value } => {
                self.remove(key);
                let place = Place { value: value.start as u32, value_length: value.len() as u32, ..frame };
                self.live_bytes += cost(key, place);
                if let Some(segment) = self.segments.get_mut(&place.segment) {
                    segment.live += 1;
                }
                self.index.insert((*key).into(), place);
                self.unwritten.remove(*key);
            }
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<Place> {
        let place = self.index.remove(key)?;
        self.live_bytes = self.live_bytes.saturating_sub(cost(key, place));
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.live -= 1;
        }
        Some(place)
    }

    /// The segment that has room for more.
    fn active(&mut self) -> Result<Name, StorageError> {
        if let Some(active) = self.active.as_ref().filter(|active| active.end < SEGMENT_BYTES) {
            return Ok(active.name);
        }
        let name = Name::new(self.segments.keys().next_back().map_or(0, |last| last + 1));
        let active = Active::create(&self.folder, name).map_err(|error| self.failed(&error))?;
        if self.fsync {
            // Otherwise the file could be gone after a power cut, with all that is in it.
            File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(|error| self.failed(&error))?;
        }
        self.active = Some(active);
        self.segments.insert(name.number, Segment { name, bytes: 0, live: 0 });
        Ok(name)
    }

    fn read(&mut self, name: Name, place: Place) -> std::io::Result<Vec<u8>> {
        if self.reading.as_ref().is_none_or(|(number, _)| *number != name.number) {
            self.reading = Some((name.number, File::open(name.path(&self.folder))?));
        }
        match &self.reading {
            Some((_, file)) => segment::read_part(file, place.frame, place.frame_length),
            None => Err(std::io::ErrorKind::NotFound.into()),
        }
    }

    fn failed(&self, error: &std::io::Error) -> StorageError {
        let place = self.folder.display().to_string();
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StorageError::Full { place },
            _ => StorageError::Failed { place, message: error.to_string() },
        }
    }

    fn damaged(&self, name: Option<Name>) -> StorageError {
        let path = name.map_or(self.folder.clone(), |name| name.path(&self.folder));
        StorageError::Damaged { place: path.display().to_string() }
    }

    fn too_large(&self) -> StorageError {
        let message = "one value of 4 GiB or more cannot be kept".to_owned();
        StorageError::Failed { place: self.folder.display().to_string(), message }
    }
}

fn cost(key: &[u8], place: Place) -> u64 {
    (key.len() + place.value_length as usize + frame::HEAD) as u64
}
