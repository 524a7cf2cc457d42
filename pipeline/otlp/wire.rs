//! Protobuf's wire form, one field at a time, without allocation.

/// The value part of a field as it lies on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// What can be wrong with wire bytes, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}: {what}")]
pub struct Error {
    /// The message that was being read.
    pub message: &'static str,
    /// Bytes from the start of the request.
    pub offset: usize,
    /// What is wrong.
    pub what: Fault,
}

/// The kinds of damage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes end inside a field.
    #[error("truncated")]
    Truncated,
    /// More than ten bytes, or more than 64 bits.
    #[error("varint too long")]
    Varint,
    /// Field number 0 or above 2^29 - 1.
    #[error("invalid field number {0}")]
    Number(u64),
    /// Groups (3, 4) and the unused 6 and 7.
    #[error("unsupported wire type {0}")]
    WireType(u8),
    /// A known field in another form than its type has.
    #[error("field {0} has the wrong wire type")]
    Mismatch(&'static str),
    /// Text that is not UTF-8.
    #[error("field {0} is not UTF-8")]
    Utf8(&'static str),
    /// An id that is not of its one length.
    #[error("field {0} has {1} bytes")]
    IdLength(&'static str, usize),
    /// Deeper than a request may nest.
    #[error("nested too deeply")]
    Depth,
}

/// Reads a varint at `*at`.
#[inline]
pub fn varint(bytes: &[u8], at: &mut usize) -> Result<u64, Fault> {
    let first = *bytes.get(*at).ok_or(Fault::Truncated)?;
    *at += 1;
    match first {
        0..0x80 => Ok(first.into()),
        _ => long_varint(first, bytes, at),
    }
}

/// The rest of a varint that began with `first`.
fn long_varint(first: u8, bytes: &[u8], at: &mut usize) -> Result<u64, Fault> {
    let mut value = u64::from(first & 0x7f);
    for shift in (7..64).step_by(7) {
        let byte = *bytes.get(*at).ok_or(Fault::Truncated)?;
        *at += 1;
        if shift == 63 && byte > 1 {
            return Err(Fault::Varint);
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Fault::Varint)
}

/// Reads one field at `*at`: its number and value.
// By itself it would hand over its large result through memory, which costs more than the reading.
#[inline(always)]
pub fn field<'a>(bytes: &'a [u8], at: &mut usize) -> Result<(u32, Value<'a>), Fault> {
    let tag = varint(bytes, at)?;
    let number = tag >> 3;
    if number == 0 || number > 0x1fff_ffff {
        return Err(Fault::Number(number));
    }
    let value = match tag & 7 {
        0 => Value::Varint(varint(bytes, at)?),
        1 => Value::Fixed64(u64::from_le_bytes(array(bytes, at)?)),
        2 => {
            let length = usize::try_from(varint(bytes, at)?).map_err(|_| Fault::Truncated)?;
            Value::Bytes(take(bytes, at, length)?)
        }
        5 => Value::Fixed32(u32::from_le_bytes(array(bytes, at)?)),
        other => return Err(Fault::WireType(other as u8)),
    };
    Ok((number as u32, value))
}

fn take<'a>(bytes: &'a [u8], at: &mut usize, length: usize) -> Result<&'a [u8], Fault> {
    let end = at.checked_add(length).ok_or(Fault::Truncated)?;
    let slice = bytes.get(*at..end).ok_or(Fault::Truncated)?;
    *at = end;
    Ok(slice)
}

fn array<const N: usize>(bytes: &[u8], at: &mut usize) -> Result<[u8; N], Fault> {
    take(bytes, at, N)?.try_into().map_err(|_| Fault::Truncated)
}

/// Appends a varint.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a tag: field number and wire type.
pub fn put_tag(out: &mut Vec<u8>, number: u32, wire_type: u8) {
    put_varint(out, u64::from(number) << 3 | u64::from(wire_type));
}

/// A length whose content is appended before it is known.
#[derive(Debug)]
pub struct Length {
    start: usize,
    room: usize,
}

impl Length {
    /// Leaves room for a length of `about` so many bytes: the better the guess, the less has to move.
    pub fn ahead(out: &mut Vec<u8>, about: usize) -> Self {
        let (start, room) = (out.len(), varint_length(about as u64));
        out.resize(start + room, 0);
        Self { start, room }
    }

    /// Writes the length of all that was appended since.
    pub fn set(self, out: &mut Vec<u8>) {
        let Self { start, room } = self;
        let mut length = (out.len() - start - room) as u64;
        let needed = varint_length(length);
        if needed != room {
            let end = out.len();
            out.resize(end + needed.saturating_sub(room), 0);
            out.copy_within(start + room..end, start + needed);
            out.truncate(end + needed - room);
        }
        for byte in &mut out[start..start + needed] {
            *byte = length as u8 & 0x7f | 0x80;
            length >>= 7;
        }
        // The last byte says that none follows.
        out[start + needed - 1] &= 0x7f;
    }
}

/// Puts a length before everything that was appended since `start`.
pub fn put_length_before(out: &mut Vec<u8>, start: usize) {
    Length { start, room: 0 }.set(out);
}

/// How many bytes a varint takes.
pub fn varint_length(value: u64) -> usize {
    // Seven bits to a byte, and one byte at least.
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// How many bytes the tag of a field takes.
pub fn tag_length(number: u32) -> usize {
    varint_length(u64::from(number) << 3)
}
