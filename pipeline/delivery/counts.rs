//! What was taken by the stage behind, and what was not.

use std::sync::Arc;
use std::task::{Context, Poll};

use opentelemetry::KeyValue;
use opentelemetry::metrics::UpDownCounter;
use tower::layer::layer_fn;
use tower::{Layer, Service, ServiceExt};

use super::{Delivery, Place, Server, Stage};
use crate::own_spans::{Span, Tracer, Who};
use crate::{Batch, Code, ItemCounter, Pending, Rejected, RejectedKind};

/// Counts once per batch, after its retries: what was sent and what failed. Where no queue has taken the batch, what
/// failed is refused.
pub(super) fn sending<S>(
    place: Place<'_>,
    delivery: &Delivery,
) -> impl Layer<S, Service = Counted<S>> + Clone + use<S> {
    let is_asked = delivery.queue.is_none();
    let to = delivery.server(place.signal).map(Server::labels).unwrap_or_default();
    let sent = counter(place, "sent", "Number of items successfully sent to destination.", to.clone());
    let failed = counter(place, "send_failed", "Number of items in failed attempts to send to destination.", to);
    let failed = Failed { counter: failed, says_why: place.telemetry.is_detailed() };
    let under_way = UnderWay::new(place);
    let (tracer, who) = (place.telemetry.tracer().clone(), Who::new(place.id, "exporter", place.signal));
    layer_fn(move |inner| Counted {
        inner,
        sent: sent.clone(),
        failed: failed.clone(),
        under_way: under_way.clone(),
        tracer: tracer.clone(),
        who: who.clone(),
        is_asked,
    })
}

/// Whoever sent it is told, and may be far away: it is said here too.
pub(super) fn tell_refused(who: &Who, rejected: &Rejected, items: u32) {
    let (exporter, signal, rejected_items) = (&who.id, who.signal.name(), rejected.items(items));
    tracing::error!(exporter, signal, error = %rejected, rejected_items, "Exporting failed. Rejecting data.");
}

/// Counts what found no room in the queue.
pub(super) fn enqueue_failed(place: Place<'_>) -> ItemCounter {
    counter(place, "enqueue_failed", "Number of items failed to be added to the sending queue.", Vec::new())
}

fn counter(place: Place<'_>, what: &str, description: &'static str, more: Vec<KeyValue>) -> ItemCounter {
    let labels = [vec![KeyValue::new("exporter", place.id.to_owned())], more].concat();
    place.telemetry.items(format!("otelcol_exporter_{what}_{}", place.signal.items()), description, labels)
}

#[derive(Clone)]
pub(super) struct Counted<S> {
    inner: S,
    sent: ItemCounter,
    failed: Failed,
    under_way: UnderWay,
    tracer: Tracer,
    who: Arc<Who>,
    is_asked: bool,
}

impl<S: Stage> Service<Batch> for Counted<S> {
    type Response = ();
    type Error = Rejected;
    type Future = Pending<'static, Result<(), Rejected>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, batch: Batch) -> Self::Future {
        let Self { inner, sent, failed, under_way, tracer, who, is_asked } = self.clone();
        Box::pin(async move {
            let items = batch.items();
            let _one = under_way.begin();
            let name = || format!("exporter/{}/{}", who.id, who.signal);
            let span = tracer.begin(&who, name, &batch.origin().span);
            let answer = inner.oneshot(batch.under(&span)).await;
            let lost = answer.as_ref().err().map_or(0, |rejected| rejected.items(items));
            sent.add(items.saturating_sub(lost));
            tell(span.span(), &who, items.saturating_sub(lost), lost);
            if let Err(rejected) = &answer {
                failed.add(lost, rejected);
                span.span().fail(&rejected.reason);
                if is_asked {
                    tell_refused(&who, rejected, items);
                }
            }
            answer
        })
    }
}

/// Counts what failed; at level `detailed` also why.
#[derive(Clone)]
struct Failed {
    counter: ItemCounter,
    says_why: bool,
}

impl Failed {
    fn add(&self, items: u32, rejected: &Rejected) {
        if items == 0 {
            return;
        }
        if !self.says_why {
            return self.counter.add(items);
        }
        let kind = match (rejected.code, rejected.kind) {
            // The Collector has the spelling of Go's library.
            (Some(Code::Cancelled), _) => "Canceled".to_owned(),
            (Some(code), _) => format!("{code:?}"),
            (None, RejectedKind::Closed) => "Shutdown".to_owned(),
            (None, _) => "_OTHER".to_owned(),
        };
        let is_permanent = KeyValue::new("error.permanent", rejected.kind == RejectedKind::Permanent);
        self.counter.add_as(items, &[KeyValue::new("error.type", kind), is_permanent]);
    }
}

fn tell(span: &Span, who: &Who, sent: u32, failed: u32) {
    span.say("exporter", &who.id);
    span.say("data_type", who.signal.name());
    span.count(|| "items.sent".to_owned(), sent);
    span.count(|| "items.failed".to_owned(), failed);
}

/// Requests that are being exported, waits between attempts included.
#[derive(Clone)]
struct UnderWay {
    gauge: UpDownCounter<i64>,
    labels: Arc<[KeyValue]>,
}

impl UnderWay {
    fn new(place: Place<'_>) -> Self {
        let about = "Number of export requests currently in-flight (including retry backoff).";
        let meter = place.telemetry.meter();
        let gauge = meter.i64_up_down_counter("otelcol_exporter_in_flight_requests");
        let gauge = gauge.with_description(about).with_unit("{request}").build();
        let labels = [KeyValue::new("exporter", place.id.to_owned()), KeyValue::new("data_type", place.signal.name())];
        gauge.add(0, &labels);
        Self { gauge, labels: labels.into() }
    }

    /// One more, until the answer is dropped.
    fn begin(self) -> One {
        self.gauge.add(1, &self.labels);
        One(self)
    }
}

struct One(UnderWay);

impl Drop for One {
    fn drop(&mut self) {
        self.0.gauge.add(-1, &self.0.labels);
    }
}
