//! Bodies made once.

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

/// What exporters made of a batch, say its compressed wire form: shared by all its clones, so that retries and
/// the branches of a fan-out do not make it again.
#[derive(Clone, Debug, Default)]
pub struct Prepared(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    body: OnceLock<(&'static str, Bytes)>,
    own: Mutex<Vec<(u64, Arc<dyn Any + Send + Sync>)>>,
}

/// Who keeps something of its own with batches.
#[derive(Debug)]
pub struct Owner(u64);

impl Owner {
    /// Another one than all before.
    #[expect(clippy::new_without_default, reason = "every one is different, which a default would not be")]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Prepared {
    /// The body in this form, if somebody made it.
    pub fn get(&self, form: &'static str) -> Option<Bytes> {
        self.0.body.get().filter(|(kept, _)| *kept == form).map(|(_, body)| body.clone())
    }

    /// Keeps a body for the others, unless there is one already: it holds one form, and those who want another make
    /// their own.
    pub fn keep(&self, form: &'static str, body: Bytes) {
        let _ = self.0.body.set((form, body));
    }

    /// What this owner made of the batch before.
    pub fn get_own<T: Send + Sync + 'static>(&self, owner: &Owner) -> Option<Arc<T>> {
        let own = self.0.own.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, kept) = own.iter().find(|(of, _)| *of == owner.0)?;
        kept.clone().downcast().ok()
    }

    /// Keeps what this owner made, for its own next attempt.
    pub fn keep_own<T: Send + Sync + 'static>(&self, owner: &Owner, made: Arc<T>) {
        let mut own = self.0.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|(of, _)| *of != owner.0);
        own.push((owner.0, made));
    }
}
