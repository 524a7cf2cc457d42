//! Bodies made once.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// The body that was made of a batch, say its compressed wire form: shared by all its clones, so that retries and
/// the branches of a fan-out do not make it again. It holds one form; those who want another make their own.
#[derive(Clone, Debug, Default)]
pub struct Prepared(Arc<OnceLock<(&'static str, Bytes)>>);

impl Prepared {
    /// The body in this form, if somebody made it.
    pub fn get(&self, form: &'static str) -> Option<Bytes> {
        self.0.get().filter(|(kept, _)| *kept == form).map(|(_, body)| body.clone())
    }

    /// Keeps a body for the others, unless there is one already.
    pub fn keep(&self, form: &'static str, body: Bytes) {
        let _ = self.0.set((form, body));
    }
}
