//! How much a queue may hold.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Sizer;
use crate::{Batch, Rejected};

/// The bound of a queue. What is taken is given back when the [`Taken`] is dropped: when an export has ended, not when
/// it begins.
#[derive(Debug)]
pub struct Space {
    capacity: u64,
    sizer: Sizer,
    used: Mutex<u64>,
    freed: Notify,
}

/// A part of the space, as long as it lives.
#[derive(Debug)]
pub struct Taken {
    space: Arc<Space>,
    size: u64,
}

impl Space {
    pub fn new(capacity: u64, sizer: Sizer) -> Arc<Self> {
        Arc::new(Self { capacity, sizer, used: Mutex::default(), freed: Notify::new() })
    }

    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    pub fn used(&self) -> u64 {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the room for `batch`, or says that there is none.
    pub fn take(self: &Arc<Self>, batch: &Batch) -> Result<Taken, Rejected> {
        let size = self.size(batch)?;
        self.try_take(size).ok_or_else(full)
    }

    /// Takes the room for `batch`, waiting for it as long as the batch's sender does.
    pub async fn wait(self: &Arc<Self>, batch: &Batch) -> Result<Taken, Rejected> {
        let size = self.size(batch)?;
        let room = async {
            loop {
                let freed = self.freed.notified();
                tokio::pin!(freed);
                freed.as_mut().enable();
                match self.try_take(size) {
                    Some(taken) => return taken,
                    None => freed.await,
                }
            }
        };
        match batch.origin().deadline {
            Some(deadline) => tokio::time::timeout_at(Instant::from_std(deadline), room).await.map_err(|_| full()),
            None => Ok(room.await),
        }
    }

    /// Takes room for what was taken before a restart, whether there is any or not.
    pub fn hold(self: &Arc<Self>, size: u64) -> Taken {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.saturating_add(size);
        Taken { space: self.clone(), size }
    }

    fn size(&self, batch: &Batch) -> Result<u64, Rejected> {
        let size = self.sizer.size(batch);
        if size > self.capacity {
            let Self { capacity, sizer, .. } = self;
            let reason = format!("element size too large: {size} {sizer} for a queue of {capacity}");
            return Err(Rejected::permanent(reason));
        }
        Ok(size)
    }

    fn try_take(self: &Arc<Self>, size: u64) -> Option<Taken> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = used.checked_add(size).filter(|wanted| *wanted <= self.capacity)?;
        *used = wanted;
        Some(Taken { space: self.clone(), size })
    }
}

fn full() -> Rejected {
    Rejected::retryable("sending queue is full")
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut used = self.space.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.saturating_sub(self.size);
        drop(used);
        self.space.freed.notify_waiters();
    }
}

impl Sizer {
    /// How large a batch is.
    pub fn size(self, batch: &Batch) -> u64 {
        match self {
            Self::Requests => 1,
            Self::Items => batch.items().into(),
            Self::Bytes => batch.encode().len() as u64,
        }
    }
}

impl std::fmt::Display for Sizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests",
            Self::Items => "items",
            Self::Bytes => "bytes",
        })
    }
}
