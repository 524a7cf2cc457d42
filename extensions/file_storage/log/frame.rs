//! The bytes of one batch in a segment.
//!
//! ```text
//! frame:  mark u32 | length u32 | checksum u64 | changes      (little endian; length and checksum are of the changes)
//! change: kind u8 | key length u16 | value length u32 | key | value
//! ```
//!
//! Each segment makes its mark of and seeds its checksums with a number of its own. So what senders write into their
//! telemetry is never taken for a frame where damage makes the reader look for the next one, nor does it make the reader
//! compute checksums over and over.

use std::hash::Hasher;
use std::ops::Range;

use pipeline::storage::Change;
use twox_hash::XxHash64;

const MARK: usize = 4;
pub const HEAD: usize = 16;
const CHANGE_HEAD: usize = 7;
const PUT: u8 = 1;
const DELETE: u8 = 2;

/// A change as it lies in a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Stored<'a> {
    /// A value, and where it is in the frame.
    Put {
        key: &'a [u8],
        value: Range<usize>,
    },
    Delete {
        key: &'a [u8],
    },
}

/// What is too large for a frame.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

/// Appends one frame with all these changes.
pub fn write(out: &mut Vec<u8>, changes: &[Change], salt: u64) -> Result<(), TooLarge> {
    let start = out.len();
    out.extend_from_slice(&mark(salt));
    out.resize(start + HEAD, 0);
    for change in changes {
        let (kind, key, value) = match change {
            Change::Put { key, value } => (PUT, key, &value[..]),
            Change::Delete { key } => (DELETE, key, &[][..]),
        };
        let key_length = u16::try_from(key.len()).map_err(|_| TooLarge)?;
        let value_length = u32::try_from(value.len()).map_err(|_| TooLarge)?;
        out.push(kind);
        out.extend_from_slice(&key_length.to_le_bytes());
        out.extend_from_slice(&value_length.to_le_bytes());
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    let length = u32::try_from(out.len() - start - HEAD).map_err(|_| TooLarge)?;
    let checksum = checksum(&out[start + HEAD..], salt);
    out[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    out[start + 8..start + HEAD].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}

/// The length of the whole frame that `bytes` begin with, if it is sound.
pub fn length(bytes: &[u8], salt: u64) -> Option<usize> {
    if !bytes.starts_with(&mark(salt)) {
        return None;
    }
    let length = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    let wanted = u64::from_le_bytes(bytes.get(8..HEAD)?.try_into().ok()?);
    let end = HEAD.checked_add(usize::try_from(length).ok()?)?;
    (checksum(bytes.get(HEAD..end)?, salt) == wanted).then_some(end)
}

/// The changes of a sound frame.
pub fn changes(frame: &[u8]) -> impl Iterator<Item = Stored<'_>> {
    let mut at = HEAD;
    std::iter::from_fn(move || {
        let head: [u8; CHANGE_HEAD] = frame.get(at..at + CHANGE_HEAD)?.try_into().ok()?;
        let [kind, k0, k1, value_length @ ..] = head;
        let key_end = at + CHANGE_HEAD + usize::from(u16::from_le_bytes([k0, k1]));
        let key = frame.get(at + CHANGE_HEAD..key_end)?;
        let end = key_end.checked_add(usize::try_from(u32::from_le_bytes(value_length)).ok()?)?;
        at = end;
        match kind {
            PUT => Some(Stored::Put { key, value: key_end..end }),
            DELETE => Some(Stored::Delete { key }),
            _ => None,
        }
    })
}

/// Where the next sound frame begins.
pub fn find(bytes: &[u8], salt: u64) -> Option<usize> {
    let (mark, mut from) = (mark(salt), 0);
    loop {
        let at = from + bytes.get(from..)?.windows(MARK).position(|window| window == mark)?;
        if length(&bytes[at..], salt).is_some() {
            return Some(at);
        }
        from = at + 1;
    }
}

/// What begins each frame of a segment.
fn mark(salt: u64) -> [u8; MARK] {
    let [a, b, c, d, ..] = salt.rotate_left(17).to_le_bytes();
    // Never four zeros, of which files are full that lost a page.
    [a, b, c, d | 1]
}

fn checksum(bytes: &[u8], salt: u64) -> u64 {
    let mut hasher = XxHash64::with_seed(salt);
    hasher.write(bytes);
    hasher.finish()
}
