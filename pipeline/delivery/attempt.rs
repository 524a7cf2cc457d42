//! The time that one attempt may take.

use std::task::{Context, Poll};
use std::time::Duration;

use tower::layer::layer_fn;
use tower::{Layer, Service, ServiceExt};

use super::Stage;
use crate::{Batch, Pending, Rejected};

/// A limit for each attempt.
pub(super) fn layer<S>(timeout: Duration) -> impl Layer<S, Service = Attempt<S>> + Clone {
    layer_fn(move |inner| Attempt { inner, timeout })
}

#[derive(Clone)]
pub(super) struct Attempt<S> {
    inner: S,
    timeout: Duration,
}

impl<S: Stage> Service<Batch> for Attempt<S> {
    type Response = ();
    type Error = Rejected;
    type Future = Pending<'static, Result<(), Rejected>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, batch: Batch) -> Self::Future {
        let Self { inner, timeout } = self.clone();
        Box::pin(async move {
            let late = |_| Err(Rejected::retryable(format!("no answer within {timeout:?}")));
            tokio::time::timeout(timeout, inner.oneshot(batch)).await.unwrap_or_else(late)
        })
    }
}
