//! Ids of traces and spans: bytes on the wire, fixed in the language, zero when unset.

use std::fmt::Write;

use crate::Failure;
use crate::value::Val;

/// An id from the wire; one of a wrong length counts as unset.
pub fn fixed<const N: usize>(id: &[u8]) -> [u8; N] {
    id.try_into().unwrap_or([0; N])
}

/// For the wire: an unset id is empty.
pub fn wire(id: &[u8]) -> Vec<u8> {
    if id.iter().all(|byte| *byte == 0) { Vec::new() } else { id.to_vec() }
}

/// Lower case.
pub fn hex(id: &[u8]) -> String {
    id.iter().fold(String::with_capacity(id.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An id from hexadecimal text.
pub fn parse_hex<const N: usize>(text: &str) -> Result<Vec<u8>, Failure> {
    unhex(text)
        .filter(|id| id.len() == N)
        .map(|id| wire(&id))
        .ok_or_else(|| Failure::from(format!("{text:?} is no id of {} hexadecimal digits", N * 2)))
}

/// Bytes from hexadecimal text.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

pub(super) fn trace(value: &Val<'_>) -> Result<Vec<u8>, Failure> {
    match value {
        Val::TraceId(id) => Ok(wire(id)),
        other => Err(other.unexpected("a trace id, such as TraceID(0x...)")),
    }
}

pub(super) fn span(value: &Val<'_>) -> Result<Vec<u8>, Failure> {
    match value {
        Val::SpanId(id) => Ok(wire(id)),
        other => Err(other.unexpected("a span id, such as SpanID(0x...)")),
    }
}
