//! gRPC's framing: a flag, a length, a message.

use bytes::{BufMut, Bytes, BytesMut};
use transport::{Chunks, ContentEncoding};

const PREFIX_BYTES: usize = 5;
/// Answers are a number and a sentence.
const MESSAGE_BYTES_AT_MOST: usize = 64 * 1024;

/// The body of a unary request.
///
/// # Errors
/// A message longer than the prefix can say.
pub fn request(message: Bytes, is_compressed: bool) -> Result<Chunks, &'static str> {
    let length = u32::try_from(message.len()).map_err(|_| "the batch is longer than 4 GiB")?;
    let mut prefix = BytesMut::with_capacity(PREFIX_BYTES);
    prefix.put_u8(is_compressed.into());
    prefix.put_u32(length);
    Ok(Chunks::new([prefix.freeze(), message]))
}

/// The message of a unary response. `encoding` is what the response's `grpc-encoding` says: Go's servers compress
/// their answers as the request was compressed, whether the client asked for it or not.
///
/// # Errors
/// A body that is no single message.
pub fn response(body: &Bytes, encoding: &str) -> Result<Bytes, String> {
    let Some((&[flag, a, b, c, d], message)) = body.split_first_chunk::<PREFIX_BYTES>() else {
        return Err("a response without a message".into());
    };
    if u32::from_be_bytes([a, b, c, d]) as usize != message.len() {
        return Err("a response whose length is wrong".into());
    }
    match flag {
        0 => Ok(body.slice(PREFIX_BYTES..)),
        1 => {
            let known = ContentEncoding::named(encoding).filter(|known| *known != ContentEncoding::Identity);
            let known = known.ok_or_else(|| format!("a compressed response in the encoding {encoding:?}"))?;
            let message = known.decompress(&body.slice_ref(message), MESSAGE_BYTES_AT_MOST);
            message.map_err(|e| format!("a response: {e}"))
        }
        _ => Err("a response that is not gRPC".into()),
    }
}
