//! A queue in memory, and the consumers that empty it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use opentelemetry::KeyValue;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc};
use tower::Service;

use super::{Place, QueueSettings};
use crate::{Batch, ItemCounter, Next, Pending, Rejected, Stop, Tasks};

/// Starts the consumers of a queue in front of `exports`.
pub(super) fn start(
    settings: &QueueSettings,
    exports: Next,
    place: Place<'_>,
    lost: Lost,
    consumers: &mut Tasks,
) -> Enqueue {
    let places = Arc::new(Semaphore::new(settings.queue_size as usize));
    observe(&places, settings.queue_size, place);
    // The semaphore is the bound: a place is given back when the export has ended, not when it begins.
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(receiver));
    for number in 0..settings.num_consumers {
        let name = format!("{} ({}) consumer {number}", place.id, place.signal);
        consumers.spawn(name, consume(receiver.clone(), exports.clone(), place.id.to_owned(), consumers.stop()));
    }
    Enqueue { places, sender, lost, waits: settings.block_on_overflow }
}

fn observe(places: &Arc<Semaphore>, capacity: u32, place: Place<'_>) {
    let labels = [KeyValue::new("exporter", place.id.to_owned()), KeyValue::new("data_type", place.signal.name())];
    let capacity = u64::from(capacity);
    let gauge = |name, about| place.telemetry.meter().u64_observable_gauge(name).with_description(about);
    let (free, size_labels) = (places.clone(), labels.clone());
    // Kept by the meter, so the handles need not live.
    let _ = gauge("otelcol_exporter_queue_size", "Current size of the retry queue (in batches).")
        .with_callback(move |gauge| {
            gauge.observe(capacity.saturating_sub(free.available_permits() as u64), &size_labels);
        })
        .build();
    let _ = gauge("otelcol_exporter_queue_capacity", "Fixed capacity of the retry queue (in batches).")
        .with_callback(move |gauge| gauge.observe(capacity, &labels))
        .build();
}

/// The end of the queue where batches go in.
#[derive(Clone)]
pub(super) struct Enqueue {
    places: Arc<Semaphore>,
    sender: mpsc::UnboundedSender<Queued>,
    lost: Lost,
    waits: bool,
}

impl Service<Batch> for Enqueue {
    type Response = ();
    type Error = Rejected;
    type Future = Pending<'static, Result<(), Rejected>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, batch: Batch) -> Self::Future {
        Box::pin(self.clone().enqueue(batch))
    }
}

impl Enqueue {
    async fn enqueue(self, batch: Batch) -> Result<(), Rejected> {
        let place = if self.waits {
            self.places.acquire_owned().await.map_err(|_| closed())?
        } else {
            self.places.try_acquire_owned().map_err(|_| Rejected::retryable("sending queue is full"))?
        };
        let held = Held { items: batch.items(), lost: self.lost, answered: false, _place: place };
        self.sender.send(Queued { batch, held }).map_err(|mut refused| {
            // The sender still has it and is told so.
            refused.0.held.answered = true;
            closed()
        })
    }
}

fn closed() -> Rejected {
    Rejected::closed("the sending queue is closed")
}

struct Queued {
    batch: Batch,
    held: Held,
}

/// The responsibility for one batch. Dropped without an answer, its items are lost and counted.
struct Held {
    items: u32,
    lost: Lost,
    answered: bool,
    _place: OwnedSemaphorePermit,
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.answered {
            self.lost.add(self.items);
        }
    }
}

/// Items that a queue held when the time to stop was over.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    counter: ItemCounter,
    total: Arc<AtomicU64>,
    name: Arc<str>,
}

impl Lost {
    pub(super) fn new(place: Place<'_>) -> Self {
        let labels =
            vec![KeyValue::new("exporter", place.id.to_owned()), KeyValue::new("data_type", place.signal.name())];
        let about = "Number of items that a queue still held when the time to stop was over.";
        let counter = place.telemetry.items("kpulse_exporter_lost_items".into(), about, labels);
        Self { counter, total: Arc::default(), name: format!("{} ({})", place.id, place.signal).into() }
    }

    fn add(&self, items: u32) {
        self.counter.add(items);
        self.total.fetch_add(items.into(), Ordering::Relaxed);
    }

    /// Says in the log what was lost.
    pub(crate) fn report(&self) {
        let items = self.total.load(Ordering::Relaxed);
        if items > 0 {
            tracing::error!(queue = %self.name, items, "items lost: not delivered when the time to stop was over");
        }
    }
}

type Receiver = Mutex<mpsc::UnboundedReceiver<Queued>>;

async fn consume(queue: Arc<Receiver>, exports: Next, exporter: String, mut stop: Stop) {
    while let Some(Queued { batch, mut held }) = take(&queue, &mut stop).await {
        if let Err(rejected) = exports.send(batch).await {
            let dropped_items = rejected.items(held.items);
            tracing::error!(exporter, error = %rejected, dropped_items, "Exporting failed. Dropping data.");
        }
        held.answered = true;
    }
}

/// The next batch; after the stop, what is left, and then nothing.
async fn take(queue: &Receiver, stop: &mut Stop) -> Option<Queued> {
    let mut queue = queue.lock().await;
    if !stop.is_requested() {
        tokio::select! {
            next = queue.recv() => return next,
            () = stop.requested() => {}
        }
    }
    queue.close();
    queue.recv().await
}
