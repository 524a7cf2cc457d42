//! The whole body of a request.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

/// So much is reserved on the word of a client that has not sent it yet.
const RESERVE_AT_MOST: usize = 512 * 1024;

/// Why there is no body.
#[derive(Debug)]
pub enum GatherError<E> {
    /// It is not wanted, says the one who looked at its beginning.
    Refused(E),
    /// The connection broke.
    Broken(hyper::Error),
}

/// Reads a whole body. `expect` sees what has come so far after each piece, and says how long the whole will be, or why it
/// is not wanted. A body that comes in one piece is not copied.
///
/// # Errors
/// What `expect` says, and a broken connection.
pub async fn gather<E>(
    mut body: Incoming,
    mut expect: impl FnMut(&[u8]) -> Result<usize, E>,
) -> Result<Bytes, GatherError<E>> {
    let announced = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    let mut expected = announced;
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(GatherError::Broken)?.into_data() else { continue };
        if first.is_empty() && all.is_empty() {
            first = piece;
            expected = expected.max(expect(&first).map_err(GatherError::Refused)?);
            continue;
        }
        if all.is_empty() {
            all.reserve(expected.min(RESERVE_AT_MOST).max(first.len() + piece.len()));
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&piece);
        expect(&all).map_err(GatherError::Refused)?;
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}
