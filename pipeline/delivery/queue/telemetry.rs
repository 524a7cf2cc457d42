//! What a queue says of itself, with the Collector's names.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

use super::space::Space;
use crate::Batch;
use crate::delivery::Place;

/// The Collector's buckets of batch sizes.
const ITEMS: [f64; 22] = [
    10., 25., 50., 75., 100., 250., 500., 750., 1000., 2000., 3000., 4000., 5000., 6000., 7000., 8000., 9000., 10000.,
    20000., 30000., 50000., 100000.,
];
/// The Collector's buckets of batch sizes in bytes.
const BYTES: [f64; 14] = [10., 25., 50., 75., 100., 250., 500., 750., 1000., 2000., 3000., 4000., 5000., 6000.];

/// Shows how much the queue holds and may hold.
pub fn observe(space: &Arc<Space>, place: Place<'_>) {
    let labels = [KeyValue::new("exporter", place.id.to_owned()), KeyValue::new("data_type", place.signal.name())];
    let gauge = |name, about| place.telemetry.meter().u64_observable_gauge(name).with_description(about);
    // A queue that is gone, replaced at a reload, says nothing any longer.
    let (held, bound) = (Arc::downgrade(space), Arc::downgrade(space));
    let held_labels = labels.clone();
    // Kept by the meter, so the handles need not live.
    let _ = gauge("otelcol_exporter_queue_size", "Current size of the retry queue (in batches).")
        .with_callback(move |gauge| held.upgrade().iter().for_each(|space| gauge.observe(space.used(), &held_labels)))
        .build();
    let _ = gauge("otelcol_exporter_queue_capacity", "Fixed capacity of the retry queue (in batches).")
        .with_callback(move |gauge| bound.upgrade().iter().for_each(|space| gauge.observe(space.capacity(), &labels)))
        .build();
}

/// How large the requests are that leave the queue; shown at level `detailed` alone, as in the Collector.
#[derive(Clone)]
pub struct Sizes(Option<Arc<Recorded>>);

struct Recorded {
    items: Histogram<u64>,
    bytes: Histogram<u64>,
    labels: [KeyValue; 1],
}

impl Sizes {
    pub fn new(place: Place<'_>) -> Self {
        if !place.telemetry.is_detailed() {
            return Self(None);
        }
        let histogram = |name, about, buckets: &[f64]| {
            let builder = place.telemetry.meter().u64_histogram(name).with_description(about);
            builder.with_boundaries(buckets.to_vec()).build()
        };
        let items = histogram("otelcol_exporter_queue_batch_send_size", "Number of units in the batch", &ITEMS);
        let about = "Number of bytes in batch that was sent. Only available on detailed level.";
        let bytes = histogram("otelcol_exporter_queue_batch_send_size_bytes", about, &BYTES);
        Self(Some(Arc::new(Recorded { items, bytes, labels: [KeyValue::new("exporter", place.id.to_owned())] })))
    }

    pub fn record(&self, batch: &Batch) {
        if let Some(recorded) = &self.0 {
            recorded.items.record(batch.items().into(), &recorded.labels);
            recorded.bytes.record(batch.encode().len() as u64, &recorded.labels);
        }
    }
}
