//! Several batches as one: encoded requests are one request when their bytes follow each other.

use std::sync::Arc;

use bytes::BytesMut;

use super::{Batch, Origin, Signal};

impl Batch {
    /// Several batches of one signal as one with a new origin, without decoding. A single one keeps its form.
    /// `None` when there are none, when signals differ, and for profiles, whose requests have a dictionary each.
    pub fn concat(mut parts: Vec<Self>, origin: Arc<Origin>) -> Option<Self> {
        let signal = parts.first()?.signal();
        if parts.len() == 1 {
            return parts.pop().map(|only| Self { origin, ..only });
        }
        if signal == Signal::Profiles || parts.iter().any(|part| part.signal() != signal) {
            return None;
        }
        let items = parts.iter().fold(0, |sum: u32, part| sum.saturating_add(part.items));
        let encoded: Vec<_> = parts.iter().map(Self::encode).collect();
        let mut bytes = BytesMut::with_capacity(encoded.iter().map(bytes::Bytes::len).sum());
        encoded.iter().for_each(|part| bytes.extend_from_slice(part));
        Some(Self::encoded(signal, bytes.freeze(), items, origin))
    }
}
