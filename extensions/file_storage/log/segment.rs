//! One file of a log.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::frame::{self, Stored};

/// The name of a segment says its place in the order and its salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    pub number: u32,
    pub salt: u64,
}

impl Name {
    /// A segment after `number`, with a salt that nobody knows beforehand.
    pub fn new(number: u32) -> Self {
        Self { number, salt: RandomState::new().hash_one(number) }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (number, salt) = text.strip_suffix(".log")?.split_once('-')?;
        let is_whole = number.len() == 8 && salt.len() == 16;
        let (number, salt) = (u32::from_str_radix(number, 16).ok()?, u64::from_str_radix(salt, 16).ok()?);
        is_whole.then_some(Self { number, salt })
    }

    pub fn path(self, folder: &Path) -> PathBuf {
        folder.join(format!("{:08x}-{:016x}.log", self.number, self.salt))
    }
}

/// The segment that is written.
#[derive(Debug)]
pub struct Active {
    pub name: Name,
    pub end: u64,
    file: File,
}

impl Active {
    pub fn create(folder: &Path, name: Name) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(name.path(folder))?;
        Ok(Self { name, end: 0, file })
    }

    /// All or nothing: what could be written in part only is taken off again.
    pub fn append(&mut self, bytes: &[u8], fsync: bool) -> io::Result<()> {
        let written = self.file.write_all_at(bytes, self.end);
        let written = written.and_then(|()| if fsync { self.file.sync_data() } else { Ok(()) });
        match written {
            Ok(()) => self.end += bytes.len() as u64,
            Err(_) => self.file.set_len(self.end)?,
        }
        written
    }

    /// Forgets everything in it.
    pub fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.end = 0;
        Ok(())
    }
}

/// Part of a segment.
pub fn read_part(file: &File, at: u32, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, at.into())?;
    Ok(bytes)
}

/// What the reader of a segment comes across.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A change, and the frame it stands in.
    Change(Stored<'a>, Range<usize>),
    /// Bytes that are no frame.
    Damage(Range<usize>),
}

/// Walks over a whole segment.
pub fn scan(bytes: &[u8], salt: u64, mut found: impl FnMut(Found<'_>)) {
    let mut at = 0;
    while at < bytes.len() {
        let Some(length) = frame::length(&bytes[at..], salt) else {
            let next = frame::find(&bytes[at + 1..], salt).map_or(bytes.len(), |distance| at + 1 + distance);
            found(Found::Damage(at..next));
            at = next;
            continue;
        };
        let range = at..at + length;
        frame::changes(&bytes[range.clone()]).for_each(|change| found(Found::Change(change, range.clone())));
        at = range.end;
    }
}
