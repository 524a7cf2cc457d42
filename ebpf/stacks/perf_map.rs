//! `perf-PID.map`: where compilers at run time say which code they wrote where.
//!
//! Tolerant: the JDK writes `0x` before numbers, Node repeats addresses when it moves code, names hold spaces. A line that
//! makes no sense is left out; the last entry for an address wins.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// Bytes of one file that are read; more entries would take more memory than a name is worth.
const READ_AT_MOST: u64 = 64 << 20;
/// Functions kept of one process.
const KEPT: usize = 200_000;
/// A longer line is no name.
const LONGEST_LINE: u64 = 64 * 1024;

/// The functions of one process.
#[derive(Debug, Default)]
pub struct PerfMap {
    functions: BTreeMap<u64, (u64, Arc<str>)>,
    inode: u64,
    read: u64,
}

impl PerfMap {
    /// Reads what was appended since the last time; a new file is read from its start.
    pub fn follow(&mut self, file: File) -> std::io::Result<()> {
        let found = file.metadata()?;
        if found.ino() != self.inode || found.len() < self.read {
            *self = Self { inode: found.ino(), ..Self::default() };
        }
        let end = found.len().min(READ_AT_MOST);
        if self.read < end {
            let mut file = file;
            file.seek(SeekFrom::Start(self.read))?;
            self.append(BufReader::new(file.take(end - self.read)))?;
        }
        Ok(())
    }

    /// Whole lines only: the last may still be in writing.
    fn append(&mut self, mut lines: impl BufRead) -> std::io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let bytes = (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            let is_whole = line.last() == Some(&b'\n');
            if bytes == 0 || (!is_whole && (bytes as u64) < LONGEST_LINE) {
                return Ok(());
            }
            self.read += bytes as u64;
            if let Some((start, size, name)) = entry(&String::from_utf8_lossy(&line)) {
                self.insert(start, size, name.into());
            }
        }
    }

    fn insert(&mut self, start: u64, size: u64, name: Arc<str>) {
        let limit = start.saturating_add(size);
        // Code that stood where this stands now is gone.
        let before = self.functions.range(..start).next_back().filter(|(_, (end, _))| *end > start).map(|(at, _)| *at);
        let covered: Vec<u64> = self.functions.range(start..limit).map(|(at, _)| *at).chain(before).collect();
        covered.iter().for_each(|at| _ = self.functions.remove(at));
        if self.functions.len() < KEPT {
            self.functions.insert(start, (limit, name));
        }
    }

    /// The function that an address lies in.
    pub fn find(&self, address: u64) -> Option<&Arc<str>> {
        let (_, (limit, name)) = self.functions.range(..=address).next_back()?;
        (address < *limit).then_some(name)
    }
}

/// `3ef414c0 398 RegExp:[{(]`, or with `0x` before numbers.
fn entry(line: &str) -> Option<(u64, u64, &str)> {
    let (start, rest) = line.trim().split_once([' ', '\t'])?;
    let (size, name) = rest.trim_start().split_once([' ', '\t'])?;
    let hex = |text: &str| u64::from_str_radix(text.trim_start_matches("0x").trim_start_matches("0X"), 16).ok();
    let (start, size, name) = (hex(start)?, hex(size)?, name.trim());
    (size > 0 && !name.is_empty()).then_some((start, size, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> PerfMap {
        let mut map = PerfMap::default();
        map.append(text.as_bytes()).unwrap();
        map
    }

    #[test]
    fn entries_of_all_runtimes_are_read_and_nonsense_is_left_out() {
        let map = map(
            "1000 10 node a b\n0x2000 0x20 Ljava;::run\n\nnonsense\nxyz 1 q\n3000 0 empty\n4000 10 \n5000 8 ü\u{fffd}\n",
        );
        let found = |address| map.find(address).map(|name| &**name);
        assert_eq!(found(0x1000), Some("node a b"));
        assert_eq!(found(0x100f), Some("node a b"));
        assert_eq!(found(0x1010), None);
        assert_eq!(found(0x2001), Some("Ljava;::run"));
        assert_eq!((found(0x3000), found(0x4000), found(0xfff)), (None, None, None));
        assert_eq!(found(0x5007), Some("ü\u{fffd}"));
    }

    #[test]
    fn code_that_moved_onto_other_code_replaces_it() {
        let map = map("1000 100 old\n1200 10 kept\n1080 100 new\n1080 20 newest\n");
        let found = |address| map.find(address).map(|name| &**name);
        assert_eq!((found(0x1000), found(0x1080), found(0x10ff)), (None, Some("newest"), None));
        assert_eq!(found(0x1205), Some("kept"));
    }

    #[test]
    fn a_line_that_is_still_written_waits_for_its_end_and_a_new_file_starts_anew() {
        let path = std::env::temp_dir().join(format!("kpulse-perf-map-{}", std::process::id()));
        let mut map = PerfMap::default();
        let mut follow = |text: &str| {
            std::fs::write(&path, text).unwrap();
            map.follow(File::open(&path).unwrap()).unwrap();
            [0x1000, 0x2000].map(|address| map.find(address).map(|name| name.to_string()))
        };
        assert_eq!(follow("1000 10 first\n2000 10 sec"), [Some("first".into()), None]);
        assert_eq!(follow("1000 10 first\n2000 10 second\n"), [Some("first".into()), Some("second".into())]);
        assert_eq!(follow("2000 10 other\n"), [None, Some("other".into())]);
        std::fs::remove_file(path).unwrap();
    }
}
