//! What was taken by the stage behind, and what was not.

use std::task::{Context, Poll};

use opentelemetry::KeyValue;
use tower::layer::layer_fn;
use tower::{Layer, Service, ServiceExt};

use super::{Place, Stage};
use crate::{Batch, ItemCounter, Pending, Rejected};

/// Counts once per batch, after its retries: what was sent and what failed.
pub(super) fn sending<S>(place: Place<'_>) -> impl Layer<S, Service = Counted<S>> + Clone + use<S> {
    let sent = counter(place, "sent", "Number of items successfully sent to destination.");
    let failed = counter(place, "send_failed", "Number of items in failed attempts to send to destination.");
    layer_fn(move |inner| Counted { inner, taken: Some(sent.clone()), failed: failed.clone() })
}

/// Counts what found no place in the queue.
pub(super) fn enqueueing<S>(place: Place<'_>) -> impl Layer<S, Service = Counted<S>> + Clone + use<S> {
    let failed = counter(place, "enqueue_failed", "Number of items failed to be added to the sending queue.");
    layer_fn(move |inner| Counted { inner, taken: None, failed: failed.clone() })
}

fn counter(place: Place<'_>, what: &str, description: &'static str) -> ItemCounter {
    let labels = vec![KeyValue::new("exporter", place.id.to_owned())];
    place.telemetry.items(format!("otelcol_exporter_{what}_{}", place.signal.items()), description, labels)
}

#[derive(Clone)]
pub(super) struct Counted<S> {
    inner: S,
    taken: Option<ItemCounter>,
    failed: ItemCounter,
}

impl<S: Stage> Service<Batch> for Counted<S> {
    type Response = ();
    type Error = Rejected;
    type Future = Pending<'static, Result<(), Rejected>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, batch: Batch) -> Self::Future {
        let Self { inner, taken, failed } = self.clone();
        Box::pin(async move {
            let items = batch.items();
            let answer = inner.oneshot(batch).await;
            let lost = answer.as_ref().err().map_or(0, |rejected| rejected.items(items));
            if let Some(taken) = taken {
                taken.add(items.saturating_sub(lost));
            }
            if lost > 0 {
                failed.add(lost);
            }
            answer
        })
    }
}
