//! Attributes as nearly all are: a key, then one value that is text, a truth or a number, both short.

use super::wire;

/// An attribute on the wire that needs no further look at its structure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain<'a> {
    /// As it lies there, not looked at.
    pub key: &'a [u8],
    /// What it is.
    pub value: Scalar<'a>,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// As it lies there, not looked at.
    Text(&'a [u8]),
    /// true or false.
    Truth(bool),
    /// A whole number.
    Whole(i64),
    /// Any other.
    Real(f64),
}

/// The content of a `KeyValue`, unless there is anything unusual about it. Lengths have one byte.
#[inline]
pub fn plain(content: &[u8]) -> Option<Plain<'_>> {
    let [0x0a, length @ ..0x80, rest @ ..] = content else { return None };
    let (key, [0x12, length @ ..0x80, value @ ..]) = rest.split_at_checked(usize::from(*length))? else { return None };
    if usize::from(*length) != value.len() {
        return None;
    }
    let value = match value {
        [0x0a, length @ ..0x80, text @ ..] if usize::from(*length) == text.len() => Scalar::Text(text),
        [0x10, truth @ ..0x80] => Scalar::Truth(*truth != 0),
        [0x18, ..] => {
            let mut at = 1;
            let bits = wire::varint(value, &mut at).ok().filter(|_| at == value.len())?;
            Scalar::Whole(bits as i64)
        }
        [0x21, bits @ ..] => Scalar::Real(f64::from_le_bytes(bits.try_into().ok()?)),
        _ => return None,
    };
    Some(Plain { key, value })
}
