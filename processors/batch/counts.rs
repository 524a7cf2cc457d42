//! What the batch processor says of itself, with the Collector's names.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, UpDownCounter};
use pipeline::component::BuildContext;
use pipeline::{Drops, ItemCounter, Refused, RejectedKind};

/// The Collector's buckets of batch sizes.
const SIZES: [f64; 22] = [
    10., 25., 50., 75., 100., 250., 500., 750., 1000., 2000., 3000., 4000., 5000., 6000., 7000., 8000., 9000., 10000.,
    20000., 30000., 50000., 100000.,
];

/// The instruments of one batch processor.
#[derive(Clone)]
pub struct Counts {
    labels: Arc<[KeyValue]>,
    size: Histogram<u64>,
    combinations: UpDownCounter<i64>,
    by_size: ItemCounter,
    by_timeout: ItemCounter,
    refused: Refused,
    /// Items that a stop had no time for.
    pub shutdown: ItemCounter,
}

/// What made a batch go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Enough items.
    Size,
    /// Enough waiting.
    Timeout,
}

impl Counts {
    pub fn new(cx: &BuildContext) -> Self {
        let (telemetry, meter) = (&cx.telemetry, cx.telemetry.meter());
        let label = KeyValue::new("processor", cx.id.to_string());
        let trigger = |which: &str, about| {
            telemetry.items(format!("otelcol_processor_batch_{which}_trigger_send"), about, vec![label.clone()])
        };
        let drops = Drops::of_processor(cx);
        Self {
            size: meter
                .u64_histogram("otelcol_processor_batch_batch_send_size")
                .with_description("Number of units in the batch")
                .with_boundaries(SIZES.to_vec())
                .build(),
            combinations: meter
                .i64_up_down_counter("otelcol_processor_batch_metadata_cardinality")
                .with_description("Number of distinct metadata value combinations being processed")
                .build(),
            by_size: trigger("batch_size", "Number of times the batch was sent due to a size trigger"),
            by_timeout: trigger("timeout", "Number of times the batch was sent due to a timeout trigger"),
            refused: drops.refused(),
            shutdown: drops.of("shutdown"),
            labels: [label].into(),
        }
    }

    /// A batch of so many items goes on.
    pub fn sent(&self, trigger: Trigger, items: u32) {
        self.size.record(items.into(), &self.labels);
        match trigger {
            Trigger::Size => self.by_size.add(1_u64),
            Trigger::Timeout => self.by_timeout.add(1_u64),
        }
    }

    /// So many items were not taken by the next component.
    pub fn dropped(&self, kind: RejectedKind, items: u32) {
        self.refused.add(kind, items);
    }

    /// There are so many combinations of metadata values more, or less. Those of all pipelines are added up.
    pub fn combinations(&self, more: i64) {
        self.combinations.add(more, &self.labels);
    }
}
