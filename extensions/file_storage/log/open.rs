//! From the files in a folder to the index.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pipeline::storage::StorageError;

use super::segment::{Found, Name, scan};
use super::{Log, Place, Segment};

/// How long to wait between two looks at a lock.
const LOCK_CHECK: Duration = Duration::from_millis(10);

/// How far the reading has come, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub read: u64,
    pub of: u64,
}

/// Bytes that are not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub file: PathBuf,
    pub at: u64,
    pub bytes: u64,
    /// The end of the last file: what was being written when the process died, and so was never acknowledged.
    pub is_torn: bool,
}

impl Log {
    /// Opens a folder, which is made if it is not there, waiting for who has it open. Damage is stepped over and told.
    pub fn open(
        folder: &Path,
        fsync: bool,
        patience: Duration,
        mut progress: impl FnMut(Progress),
    ) -> Result<(Self, Vec<Damage>), StorageError> {
        let in_folder = |error: io::Error| failed(folder, &error);
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(in_folder(error)),
            _ => {}
        }
        let mut log = Self {
            folder: folder.to_owned(),
            fsync,
            index: BTreeMap::new(),
            segments: BTreeMap::new(),
            active: None,
            reading: None,
            unwritten: HashMap::new(),
            live_bytes: 0,
            _lock: lock(folder, patience)?,
        };
        let names = names(folder).map_err(in_folder)?;
        let of = names.iter().filter_map(|name| Some(name.path(folder).metadata().ok()?.len())).sum();
        let (mut read, mut damages) = (0, Vec::new());
        for name in &names {
            read += log.load(*name, Some(name) == names.last(), &mut damages)?;
            progress(Progress { read, of });
        }
        log.reclaim();
        Ok((log, damages))
    }

    /// Reads one segment. Returns its size.
    fn load(&mut self, name: Name, is_last: bool, damages: &mut Vec<Damage>) -> Result<u64, StorageError> {
        let path = name.path(&self.folder);
        let bytes = std::fs::read(&path).map_err(|error| failed(&path, &error))?;
        let size = bytes.len() as u64;
        self.segments.insert(name.number, Segment { name, bytes: size, live: 0 });
        let mut torn = None;
        scan(&bytes, name.salt, |found| match found {
            Found::Change(change, frame) => {
                let (start, length) = (frame.start as u32, frame.len() as u32);
                let place =
                    Place { segment: name.number, frame: start, frame_length: length, value: 0, value_length: 0 };
                self.note(&change, place);
            }
            Found::Damage(range) => {
                let is_torn = is_last && range.end == bytes.len();
                torn = is_torn.then_some(range.start as u64);
                let (at, bytes) = (range.start as u64, range.len() as u64);
                damages.push(Damage { file: path.clone(), at, bytes, is_torn });
            }
        });
        if let Some(end) = torn {
            // Told once is enough. Where it cannot be taken off, it is told again at the next start.
            let _ = File::options().write(true).open(&path).and_then(|file| file.set_len(end));
        }
        Ok(size)
    }
}

/// The segments in a folder, oldest first; what else is there is left alone.
fn names(folder: &Path) -> io::Result<Vec<Name>> {
    let entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    let mut names: Vec<_> = entries.iter().filter_map(|entry| Name::parse(entry.file_name().to_str()?)).collect();
    names.sort_unstable();
    Ok(names)
}

fn lock(folder: &Path, patience: Duration) -> Result<File, StorageError> {
    let path = folder.join("lock");
    let options = File::options().write(true).create(true).truncate(false).open(&path);
    let file = options.map_err(|error| failed(&path, &error))?;
    let start = Instant::now();
    while file.try_lock().is_err() {
        if start.elapsed() >= patience {
            return Err(StorageError::InUse { place: folder.display().to_string() });
        }
        std::thread::sleep(LOCK_CHECK);
    }
    Ok(file)
}

fn failed(place: &Path, error: &io::Error) -> StorageError {
    let place = place.display().to_string();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageError::Full { place },
        _ => StorageError::Failed { place, message: error.to_string() },
    }
}
