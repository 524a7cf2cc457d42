//! Files that processes execute, held open so that their symbols can be read when the process is gone.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use object::{Object, ObjectSection};

use super::maps::FileId;

/// Files held open at once; most nodes execute a few hundred.
const OPEN_AT_MOST: usize = 512;

/// Files remembered although they are closed.
const REMEMBERED: usize = 4096;

/// An open file and what its linker wrote into it.
#[derive(Debug)]
pub struct Binary {
    file: File,
    /// Tells it from all others since the start.
    pub serial: u64,
    /// The linker's build id, in hexadecimal.
    pub build_id: Option<Arc<str>>,
    /// Go's own build id.
    pub go_build_id: Option<Arc<str>>,
    /// Whether Go made it.
    pub is_go: bool,
}

impl Binary {
    fn new(file: File, serial: u64) -> Self {
        let mut binary = Self { file, serial, build_id: None, go_build_id: None, is_go: false };
        // What is no ELF file has no symbols either.
        let _ = binary.read_notes();
        binary
    }

    fn read_notes(&mut self) -> Result<(), object::Error> {
        let cache = object::ReadCache::new(&self.file);
        let elf = object::File::parse(&cache)?;
        self.build_id = elf.build_id()?.map(|id| hexadecimal(id).into());
        self.go_build_id = elf.section_by_name(".note.go.buildid").and_then(|note| go_build_id(note.data().ok()?));
        self.is_go = self.go_build_id.is_some() || elf.section_by_name(".gopclntab").is_some();
        Ok(())
    }

    /// A path that leads to the file as long as it is open, wherever it lies and whether it still has a name.
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.file.as_raw_fd())
    }
}

/// Three lengths, the owner `Go`, and the id as text.
fn go_build_id(note: &[u8]) -> Option<Arc<str>> {
    let word = |at: usize| Some(u32::from_ne_bytes(note.get(at..at + 4)?.try_into().ok()?) as usize);
    let start = 12 + word(0)?.next_multiple_of(4);
    let id = std::str::from_utf8(note.get(start..start.checked_add(word(4)?)?)?).ok()?;
    Some(id.trim_end_matches('\0').into())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The open files of all processes.
#[derive(Debug, Default)]
pub struct Binaries {
    open: HashMap<FileId, Arc<Binary>>,
    serials: HashMap<Version, u64>,
    opened: u64,
}

/// A file as it was written: an update in place has another time or size.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Version {
    id: FileId,
    written: (i64, i64),
    bytes: u64,
}

impl Version {
    fn of(id: &FileId, file: &File) -> Option<Self> {
        let found = file.metadata().ok()?;
        Some(Self { id: id.clone(), written: (found.mtime(), found.mtime_nsec()), bytes: found.len() })
    }
}

impl Binaries {
    /// The file, if it is open or `open` can open it and there is room.
    pub fn get(&mut self, id: &FileId, open: impl FnOnce() -> Option<File>) -> Option<Arc<Binary>> {
        if let Some(binary) = self.open.get(id) {
            return Some(binary.clone());
        }
        if self.open.len() >= OPEN_AT_MOST {
            return None;
        }
        let file = open()?;
        let serial = self.serial(Version::of(id, &file)?);
        let binary = Arc::new(Binary::new(file, serial));
        self.open.insert(id.clone(), binary.clone());
        Some(binary)
    }

    /// The same as last time for a file that was open before, so that what is known of it stays known.
    fn serial(&mut self, version: Version) -> u64 {
        if self.serials.len() >= REMEMBERED {
            self.serials.clear();
        }
        let opened = &mut self.opened;
        *self.serials.entry(version).or_insert_with(|| {
            *opened += 1;
            *opened
        })
    }

    /// Closes files that nobody uses any longer.
    pub fn close_unused(&mut self) {
        self.open.retain(|_, binary| Arc::strong_count(binary) > 1);
    }
}
