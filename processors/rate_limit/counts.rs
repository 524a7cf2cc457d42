//! What a limiter says of itself, by class: the general limit, each override, and streams without a bucket.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::ObservableGauge;
use pipeline::component::BuildContext;
use pipeline::{Drops, ItemCounter};

use super::buckets::Buckets;
use super::classes::Classes;

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// There was a token.
    Passed,
    /// It waited for its token.
    Delayed,
    /// There was none, but it belonged to the sample.
    Sampled,
    /// It is gone.
    Dropped,
    /// It went back to its sender.
    Rejected,
}

const DECISIONS: [(Decision, &str); 5] = [
    (Decision::Passed, "passed"),
    (Decision::Delayed, "delayed"),
    (Decision::Sampled, "sampled"),
    (Decision::Dropped, "dropped"),
    (Decision::Rejected, "rejected"),
];

/// The instruments of one limiter.
pub struct Counts {
    dropped: ItemCounter,
    by_class: Vec<[ItemCounter; DECISIONS.len()]>,
    _buckets: ObservableGauge<u64>,
}

impl Counts {
    /// Counters that stand at 0 from now on.
    pub fn new(cx: &BuildContext, classes: &Classes, buckets: Arc<Mutex<Buckets>>) -> Self {
        let processor = KeyValue::new("processor", cx.id.to_string());
        let items = |name: &str, about, more: Vec<KeyValue>| {
            let labels = std::iter::once(processor.clone()).chain(more).collect();
            cx.telemetry.items(name.to_owned(), about, labels)
        };
        let about = "Number of items that a rate limit let pass or not, by the limit that held.";
        let by_class = classes.names().map(|class| {
            DECISIONS.map(|(_, decision)| {
                let labels = vec![KeyValue::new("class", class.to_owned()), KeyValue::new("decision", decision)];
                items("kpulse_rate_limit_items", about, labels)
            })
        });
        let by_class = by_class.collect();
        let gauge = cx.telemetry.meter().u64_observable_gauge("kpulse_rate_limit_buckets");
        let label = [processor.clone()];
        let gauge =
            gauge.with_description("Number of streams that have a bucket of their own.").with_callback(move |g| {
                g.observe(buckets.lock().unwrap_or_else(PoisonError::into_inner).len() as u64, &label);
            });
        Self { dropped: Drops::of_processor(cx).of("throttled"), by_class, _buckets: gauge.build() }
    }

    /// Counts items of one class.
    pub fn add(&self, class: usize, decision: Decision, items: u64) {
        if let Some(counters) = self.by_class.get(class) {
            counters[decision as usize].add(items);
        }
        if decision == Decision::Dropped {
            self.dropped.add(items);
        }
    }
}
