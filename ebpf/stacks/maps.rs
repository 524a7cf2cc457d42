//! The executable mappings of a process.

use std::sync::Arc;

/// One executable line of /proc/PID/maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub limit: u64,
    /// Bytes into the file.
    pub offset: u64,
    /// Device and inode; `None` where there is no file.
    pub file: Option<FileId>,
    /// Path or kernel's name; empty for anonymous memory.
    pub name: Arc<str>,
}

/// Which file. The path belongs to it, because some file systems show the same numbers for several files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    device: (u32, u32),
    inode: u64,
    path: Arc<str>,
}

/// What the kernel appends to the name of a file that has none any longer.
const DELETED: &str = " (deleted)";

/// Reads all executable regions, in order of their addresses; lines that make no sense are left out.
pub fn parse(text: &str) -> Vec<Region> {
    text.lines().filter_map(region).collect()
}

/// `7f00-7f10 r-xp 00001000 fd:00 1234    /usr/lib/libc.so.6`
fn region(line: &str) -> Option<Region> {
    let mut rest = line;
    let mut word = || {
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = tail;
        word
    };
    let (range, rights, offset, device, inode) = (word(), word(), word(), word(), word());
    if rights.as_bytes().get(2) != Some(&b'x') {
        return None;
    }
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let (start, limit) = range.split_once('-')?;
    let (major, minor) = device.split_once(':')?;
    let device = (hex(major)? as u32, hex(minor)? as u32);
    let name = rest.trim_start();
    let name: Arc<str> = name.strip_suffix(DELETED).unwrap_or(name).into();
    let inode: u64 = inode.parse().ok()?;
    let file = (inode != 0).then(|| FileId { device, inode, path: name.clone() });
    Some(Region { start: hex(start)?, limit: hex(limit)?, offset: hex(offset)?, file, name })
}

impl Region {
    /// Whether a compiler at run time may have written the code: no file, or one that lives in memory only.
    pub fn is_generated(&self) -> bool {
        self.file.is_none() && !self.name.starts_with('[')
            || self.name.starts_with("/memfd:")
            || &*self.name == "[heap]"
    }

    /// Its entry below /proc/PID/map_files.
    pub fn entry(&self) -> String {
        format!("{:x}-{:x}", self.start, self.limit)
    }
}

/// The region that an address lies in.
pub fn find(regions: &[Region], address: u64) -> Option<usize> {
    let behind = regions.partition_point(|region| region.start <= address);
    let index = behind.checked_sub(1)?;
    (address < regions[index].limit).then_some(index)
}
