//! Several batches as one: encoded requests are one request when their bytes follow each other. Profiles are not: each
//! request has a dictionary.

use std::sync::Arc;

use bytes::BytesMut;

use super::{Batch, Origin, Payload, Signal, Undecodable};
use crate::profiles;
use crate::proto::ProfilesRequest;

impl Batch {
    /// Several batches of one signal as one with a new origin, without decoding; but profiles are decoded and get one
    /// dictionary. A single one keeps its form. `None` when there are none, when signals differ, and when profiles
    /// cannot be decoded.
    pub fn concat(mut parts: Vec<Self>, origin: Arc<Origin>) -> Option<Self> {
        let signal = parts.first()?.signal();
        if parts.len() == 1 {
            return parts.pop().map(|only| Self { origin, ..only });
        }
        if parts.iter().any(|part| part.signal() != signal) {
            return None;
        }
        if signal == Signal::Profiles {
            let requests = parts.into_iter().map(Self::into_profiles).collect::<Result<Option<Vec<_>>, _>>();
            return requests.ok().flatten().map(|requests| Self::new(profiles::merge(requests), origin));
        }
        let items = parts.iter().fold(0, |sum: u32, part| sum.saturating_add(part.items));
        let encoded: Vec<_> = parts.iter().map(Self::encode).collect();
        let mut bytes = BytesMut::with_capacity(encoded.iter().map(bytes::Bytes::len).sum());
        encoded.iter().for_each(|part| bytes.extend_from_slice(part));
        Some(Self::encoded(signal, bytes.freeze(), items, origin))
    }

    /// The structs of profiles, copied if others share them. `None` for other signals.
    pub(super) fn into_profiles(mut self) -> Result<Option<ProfilesRequest>, Undecodable> {
        let Payload::Profiles(form) = &mut self.payload else {
            return Ok(None);
        };
        Ok(Some(form.decode()?.request.clone()))
    }
}
