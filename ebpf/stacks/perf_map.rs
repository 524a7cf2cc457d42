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
/// Bytes that tell whether what was read still stands there.
const MARK: usize = 64;

/// The functions of one process.
#[derive(Debug, Default)]
pub struct PerfMap {
    functions: BTreeMap<u64, (u64, Arc<str>)>,
    inode: u64,
    read: u64,
    /// The last bytes that were read.
    mark: Vec<u8>,
}

impl PerfMap {
    /// Reads what was appended since the last time; a new file, and one that was written anew in its place as the JDK
    /// does, is read from its start.
    pub fn follow(&mut self, mut file: File) -> std::io::Result<()> {
        let found = file.metadata()?;
        if found.ino() != self.inode || found.len() < self.read || !self.still_stands(&mut file)? {
            *self = Self { inode: found.ino(), ..Self::default() };
        }
        let end = found.len().min(READ_AT_MOST);
        if self.read < end {
            file.seek(SeekFrom::Start(self.read))?;
            self.append(BufReader::new(file.take(end - self.read)))?;
        }
        Ok(())
    }

    /// Whether the file is the one that was read, as far as its last bytes tell.
    fn still_stands(&self, file: &mut File) -> std::io::Result<bool> {
        let mut found = Vec::with_capacity(MARK);
        file.seek(SeekFrom::Start(self.read - self.mark.len() as u64))?;
        file.take(self.mark.len() as u64).read_to_end(&mut found)?;
        Ok(found == self.mark)
    }

    /// Whole lines only: the last may still be in writing.
    fn append(&mut self, mut lines: impl BufRead) -> std::io::Result<()> {
        let mut line = Vec::new();
        let mut starts_here = self.mark.last().is_none_or(|byte| *byte == b'\n');
        loop {
            line.clear();
            let bytes = (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            let is_whole = line.last() == Some(&b'\n');
            if bytes == 0 || (!is_whole && (bytes as u64) < LONGEST_LINE) {
                return Ok(());
            }
            self.read += bytes as u64;
            self.mark = line[line.len().saturating_sub(MARK)..].to_vec();
            // Neither the pieces of a line without end, nor its last one.
            if let Some((start, size, name)) =
                entry(&String::from_utf8_lossy(&line)).filter(|_| starts_here && is_whole)
            {
                self.insert(start, size, name.into());
            }
            starts_here = is_whole;
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
fn entry<'a>(line: &'a str) -> Option<(u64, u64, &'a str)> {
    let (start, rest) = line.trim().split_once([' ', '\t'])?;
    let (size, name) = rest.trim_start().split_once([' ', '\t'])?;
    let digits = |text: &'a str| text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(text);
    // The standard library would take a sign as well.
    let hex = |text| Some(digits(text)).filter(|d| !d.starts_with('+')).and_then(|d| u64::from_str_radix(d, 16).ok());
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
        // Written anew in its place, and longer than before.
        assert_eq!(follow("3000 10 moved\n1000 10 first again\n"), [Some("first again".into()), None]);
        std::fs::remove_file(path).unwrap();
    }

    /// Numbers that look random and are the same in every run.
    fn random(seed: &mut u64) -> usize {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as usize
    }

    #[test]
    fn whatever_bytes_a_program_writes_are_read_to_their_end_and_functions_never_overlap() {
        let pieces: [&[u8]; 14] = [
            b"0",
            b"f",
            b"0x",
            b"10",
            b" ",
            b"\t",
            b"\n",
            b"-",
            b"+1",
            b"\0",
            b"\xff",
            b"name",
            b"ffffffffffffffff",
            b"\r",
        ];
        let mut seed = 1;
        for _ in 0..2000 {
            let length = random(&mut seed) % 200;
            let mut text: Vec<u8> = Vec::new();
            (0..length).for_each(|_| text.extend(pieces[random(&mut seed) % pieces.len()]));
            text.push(b'\n');
            let mut map = PerfMap::default();
            map.append(text.as_slice()).unwrap();
            assert_eq!(map.read, text.len() as u64);
            let limits = map.functions.values().map(|(limit, _)| *limit);
            let next = map.functions.keys().skip(1);
            assert!(limits.zip(next).all(|(limit, next)| limit <= *next), "{map:?}");
        }
    }

    #[test]
    fn a_line_without_end_is_no_name_and_the_next_one_is() {
        let endless = "a".repeat(2 * LONGEST_LINE as usize);
        let map = map(&format!("1000 10 {endless} \n2000 10 good\n3000 10 {} 4000 10 bad\n", "b ".repeat(40_000)));
        let found = |address| map.find(address).map(|name| &**name);
        assert_eq!((found(0x1000), found(0x2000), found(0x4000)), (None, Some("good"), None));
    }
}
