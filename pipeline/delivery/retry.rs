//! Sends again what may succeed later.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower::layer::layer_fn;
use tower::{Layer, Service, ServiceExt};

use super::backoff::{Backoff, chance};
use super::{RetrySettings, Stage};
use crate::own_spans::Detail;
use crate::{Batch, Pending, Rejected, RejectedKind, Stop};

/// Retries around a stage. `heeds_deadline`: no attempt begins after the deadline of the batch's sender.
pub(super) fn layer<S>(
    settings: RetrySettings,
    max_retries: Option<u32>,
    stopping: Stop,
    heeds_deadline: bool,
) -> impl Layer<S, Service = Retrying<S>> + Clone {
    let settings = Arc::new(settings);
    layer_fn(move |inner| Retrying {
        inner,
        settings: settings.clone(),
        max_retries,
        stopping: stopping.clone(),
        heeds_deadline,
    })
}

#[derive(Clone)]
pub(super) struct Retrying<S> {
    inner: S,
    settings: Arc<RetrySettings>,
    max_retries: Option<u32>,
    stopping: Stop,
    heeds_deadline: bool,
}

impl<S: Stage> Service<Batch> for Retrying<S> {
    type Response = ();
    type Error = Rejected;
    type Future = Pending<'static, Result<(), Rejected>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, batch: Batch) -> Self::Future {
        Box::pin(self.clone().send(batch))
    }
}

impl<S: Stage> Retrying<S> {
    async fn send(self, batch: Batch) -> Result<(), Rejected> {
        let mut left = Left { batch, is_part: false };
        let limits = self.limits(&left.batch);
        let mut backoff = Backoff::new(&self.settings);
        let mut retries = 0..self.max_retries.unwrap_or(u32::MAX);
        let mut attempts = 0;
        loop {
            left.batch.origin().span.event("Sending request.", Detail::Number("retry_num", attempts));
            attempts += 1;
            let Err(rejected) = self.inner.clone().oneshot(left.batch.clone()).await else {
                return Ok(());
            };
            let rejected = left.keep(rejected);
            if rejected.kind != RejectedKind::Retryable {
                return Err(left.give_up(rejected, "not retryable error"));
            }
            let wait = backoff.next(chance()).max(rejected.retry_after.unwrap_or_default());
            let is_too_late = limits.into_iter().flatten().any(|limit| Instant::now() + wait > limit);
            if is_too_late || retries.next().is_none() {
                return Err(left.give_up(rejected, "no more retries left"));
            }
            if self.stopping.is_requested() {
                return Err(
                    left.give_up(Rejected { kind: RejectedKind::Closed, ..rejected }, "interrupted by the stop")
                );
            }
            tracing::info!(error = %rejected, interval = ?wait, "Exporting failed. Will retry the request after interval.");
            self.pause(wait).await;
        }
    }

    /// When it is too late for another attempt: by the settings, and by the sender.
    fn limits(&self, batch: &Batch) -> [Option<Instant>; 2] {
        let longest = self.settings.max_elapsed_time;
        let by_settings = (!longest.is_zero()).then(|| Instant::now() + longest);
        let by_sender = batch.origin().deadline.filter(|_| self.heeds_deadline).map(Instant::from_std);
        [by_settings, by_sender]
    }

    /// Waits, but not beyond the beginning of the stop: then the last attempt is due.
    async fn pause(&self, wait: Duration) {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stopping.requested() => {}
        }
    }
}

/// What is still to be delivered.
struct Left {
    batch: Batch,
    is_part: bool,
}

impl Left {
    /// Keeps what failed, if some of it did not.
    fn keep(&mut self, mut rejected: Rejected) -> Rejected {
        if let Some(rest) = rejected.rest.take() {
            self.batch = rest;
            self.is_part = true;
        }
        rejected
    }

    /// The answer, which names the part that failed if some was delivered before.
    fn give_up(self, rejected: Rejected, why: &str) -> Rejected {
        let reason = format!("{why}: {}", rejected.reason).into();
        Rejected { reason, rest: self.is_part.then_some(self.batch), ..rejected }
    }
}
