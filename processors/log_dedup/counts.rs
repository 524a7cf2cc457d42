//! What was put together, and what did not go on.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use pipeline::component::BuildContext;
use pipeline::{ItemCounter, RejectedKind};

/// The instruments of one processor.
#[derive(Clone)]
pub struct Counts {
    labels: Vec<KeyValue>,
    aggregated: Histogram<u64>,
    duplicates: ItemCounter,
    retryable: ItemCounter,
    permanent: ItemCounter,
    closed: ItemCounter,
    shutdown: ItemCounter,
}

impl Counts {
    pub fn new(cx: &BuildContext) -> Self {
        let labels = vec![KeyValue::new("processor", cx.id.to_string())];
        let dropped = |reason: &'static str| {
            let labels = labels.iter().cloned().chain([KeyValue::new("reason", reason)]).collect();
            let about = "Number of items that a processor dropped.";
            cx.telemetry.items("kpulse_processor_dropped_items".into(), about, labels)
        };
        let aggregated = cx
            .telemetry
            .meter()
            .u64_histogram("otelcol_dedup_processor_aggregated_logs")
            .with_description("Number of log records that were aggregated together")
            .build();
        Self {
            aggregated,
            duplicates: dropped("duplicate"),
            retryable: dropped("retryable"),
            permanent: dropped("permanent"),
            closed: dropped("closed"),
            shutdown: dropped("shutdown"),
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
        match kind {
            RejectedKind::Retryable => self.retryable.add(records),
            RejectedKind::Permanent => self.permanent.add(records),
            RejectedKind::Closed => self.closed.add(records),
        }
    }

    /// A stop had no time for so many.
    pub fn shutdown(&self, records: u64) {
        self.shutdown.add(records);
    }
}
