//! Where the frames of a zstd stream end (RFC 8878, section 3.1), without unpacking them.

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileExt;

const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
const CHECKSUM: u64 = 4;

/// Where a frame begins that the file, of this length, does not hold to its end; `None` if there is none.
///
/// # Errors
/// What the file system says, also of frames that are none.
pub fn torn(file: &File, length: u64) -> Result<Option<u64>> {
    let mut start = 0;
    while start < length {
        match end_of_frame(file, start) {
            Ok(end) if end <= length => start = end,
            Ok(_) => return Ok(Some(start)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Some(start)),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn end_of_frame(file: &File, start: u64) -> Result<u64> {
    let [m0, m1, m2, m3, descriptor] = read(file, start)?;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(Error::new(ErrorKind::InvalidData, format!("no zstd frame begins at byte {start}")));
    }
    let single_segment = descriptor & 0x20 != 0;
    let window = u64::from(!single_segment);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content_size = match descriptor >> 6 {
        0 => u64::from(single_segment),
        flag => 1 << flag,
    };
    let mut at = start + 5 + window + dictionary + content_size;
    loop {
        let [a, b, c] = read(file, at)?;
        let block = u32::from_le_bytes([a, b, c, 0]);
        let size = if (block >> 1) & 3 == 1 { 1 } else { u64::from(block >> 3) };
        at += 3 + size;
        if block & 1 == 1 {
            break;
        }
    }
    Ok(if descriptor & 4 == 0 { at } else { at + CHECKSUM })
}

fn read<const N: usize>(file: &File, at: u64) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}
