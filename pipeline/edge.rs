//! The line between two components.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tower::{Service, ServiceExt};

use crate::{Batch, Rejected};

/// A boxed future.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type SendFn = dyn Fn(Batch) -> Pending<'static, Result<(), Rejected>> + Send + Sync;

/// An edge: a shared service of batches whose answer is the acknowledgement. Cheap to clone.
///
/// Every send clones the service and drives it once (`oneshot`); a readied service is never kept, because a
/// readied concurrency limit holds a permit.
#[derive(Clone)]
pub struct Next(Arc<SendFn>);

impl Next {
    /// An edge into a tower service.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Batch, Response = (), Error = Rejected> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        Self(Arc::new(move |batch| Box::pin(service.clone().oneshot(batch))))
    }

    /// An edge into an async function.
    pub fn from_fn<F, R>(send: F) -> Self
    where
        F: Fn(Batch) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Rejected>> + Send + 'static,
    {
        Self(Arc::new(move |batch| Box::pin(send(batch))))
    }

    /// An edge to several others. All get the batch in turn, also after a failure; one failing branch makes the
    /// answer a failure, so a retry repeats on the healthy ones (the Collector's rule).
    pub fn fan_out(branches: Vec<Next>) -> Self {
        match <[Next; 1]>::try_from(branches) {
            Ok([only]) => only,
            Err(branches) => {
                let branches: Arc<[Next]> = branches.into();
                Self::from_fn(move |batch| send_to_all(branches.clone(), batch))
            }
        }
    }

    /// Hands a batch over. `Ok` means that responsibility was taken.
    ///
    /// # Errors
    /// What was not taken, and whether to try again.
    pub async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        (self.0)(batch).await
    }
}

impl std::fmt::Debug for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Next")
    }
}

async fn send_to_all(branches: Arc<[Next]>, batch: Batch) -> Result<(), Rejected> {
    let mut failures = Vec::new();
    for branch in branches.iter() {
        if let Err(rejected) = branch.send(batch.clone()).await {
            failures.push(rejected);
        }
    }
    Rejected::join(failures)
}
