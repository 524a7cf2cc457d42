//! What was put together, and what did not go on.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use pipeline::component::BuildContext;
use pipeline::{Drops, ItemCounter, Refused, RejectedKind};

/// The instruments of one processor.
#[derive(Clone)]
pub struct Counts {
    labels: Vec<KeyValue>,
    aggregated: Histogram<u64>,
    duplicates: ItemCounter,
    refused: Refused,
    shutdown: ItemCounter,
}

impl Counts {
    pub fn new(cx: &BuildContext) -> Self {
        let labels = vec![KeyValue::new("processor", cx.id.to_string())];
        let drops = Drops::of_processor(cx);
        let aggregated = cx
            .telemetry
            .meter()
            .u64_histogram("otelcol_dedup_processor_aggregated_logs")
            .with_description("Number of log records that were aggregated together")
            .build();
        Self {
            aggregated,
            duplicates: drops.of("duplicate"),
            refused: drops.refused(),
            shutdown: drops.of("shutdown"),
            labels,
        }
    }

    /// One record stands for so many.
    pub fn aggregated(&self, records: u64) {
        self.aggregated.record(records, &self.labels);
        self.duplicates.add(records.saturating_sub(1));
    }

    /// So many were not taken by the next component.
    pub fn refused(&self, kind: RejectedKind, records: u32) {
        self.refused.add(kind, records);
    }

    /// A stop had no time for so many.
    pub fn shutdown(&self, records: u64) {
        self.shutdown.add(records);
    }
}
