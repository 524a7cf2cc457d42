//! Texts that are not UTF-8. The wire form demands it, and not every sender checks.

use super::schema::{Kind, Message};
use super::walk::MAX_DEPTH;
use super::wire::{self, Error, Fault, Length, Value, put_tag, put_varint};

/// The same request of type `root` with the replacement character wherever a text is not UTF-8.
///
/// # Errors
/// Any other damage on the way.
pub fn mended(root: &'static Message, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    message(root, bytes, 0, &mut out)?;
    Ok(out)
}

fn message(message: &'static Message, bytes: &[u8], depth: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    let fail = |offset, what| Error { message: message.name, offset, what };
    if depth == MAX_DEPTH {
        return Err(fail(0, Fault::Depth));
    }
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let (number, value) = wire::field(bytes, &mut at).map_err(|what| fail(start, what))?;
        match (message.field(number).map(|field| field.kind), value) {
            (Some(Kind::Message(inner)), Value::Bytes(content)) => {
                put_tag(out, number, 2);
                let length = Length::ahead(out, content.len());
                self::message(inner, content, depth + 1, out)?;
                length.set(out);
            }
            (Some(Kind::String), Value::Bytes(text)) => {
                let text = String::from_utf8_lossy(text);
                put_tag(out, number, 2);
                put_varint(out, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            _ => out.extend_from_slice(&bytes[start..at]),
        }
    }
    Ok(())
}
