//! What did not become a metric of its own, and what was not taken.

use opentelemetry::KeyValue;
use pipeline::component::BuildContext;
use pipeline::{ItemCounter, RejectedKind};

use super::aggregate::Tally;

/// The instruments of one connector.
pub struct Counts {
    without_service: ItemCounter,
    overflows: ItemCounter,
    retryable: ItemCounter,
    permanent: ItemCounter,
    closed: ItemCounter,
}

impl Counts {
    pub fn new(cx: &BuildContext) -> Self {
        let label = KeyValue::new("connector", cx.id.to_string());
        let dropped = |reason: &'static str| {
            let about = "Number of items that a connector did not count, or that were not taken behind it.";
            let labels = vec![label.clone(), KeyValue::new("reason", reason)];
            cx.telemetry.items("kpulse_connector_dropped_items".into(), about, labels)
        };
        let about = "Number of items that found no series of their own.";
        Self {
            without_service: dropped("no_service_name"),
            retryable: dropped("retryable"),
            permanent: dropped("permanent"),
            closed: dropped("closed"),
            overflows: cx.telemetry.items("kpulse_connector_overflow_items".into(), about, vec![label.clone()]),
        }
    }

    /// Spans were taken in.
    pub fn saw(&self, tally: Tally) {
        self.without_service.add(tally.without_service);
        self.overflows.add(tally.overflows);
    }

    /// So many points were not taken by what stands behind.
    pub fn refused(&self, kind: RejectedKind, points: u32) {
        match kind {
            RejectedKind::Retryable => self.retryable.add(points),
            RejectedKind::Permanent => self.permanent.add(points),
            RejectedKind::Closed => self.closed.add(points),
        }
    }
}
