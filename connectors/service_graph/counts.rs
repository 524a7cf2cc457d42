//! What became of edges, with the Collector's names, and what was not taken.

use opentelemetry::KeyValue;
use pipeline::component::BuildContext;
use pipeline::{ItemCounter, RejectedKind};

use super::aggregate::Tally;

/// The instruments of one connector.
pub struct Counts {
    no_room: ItemCounter,
    new: ItemCounter,
    expired: ItemCounter,
    overflows: ItemCounter,
    without_service: ItemCounter,
    shutdown: ItemCounter,
    retryable: ItemCounter,
    permanent: ItemCounter,
    closed: ItemCounter,
}

impl Counts {
    pub fn new(cx: &BuildContext) -> Self {
        let label = KeyValue::new("connector", cx.id.to_string());
        let count = |name: &str, about| cx.telemetry.items(name.to_owned(), about, vec![label.clone()]);
        let dropped = |reason: &'static str| {
            let about = "Number of items that a connector did not count, or that were not taken behind it.";
            let labels = vec![label.clone(), KeyValue::new("reason", reason)];
            cx.telemetry.items("kpulse_connector_dropped_items".into(), about, labels)
        };
        Self {
            no_room: count(
                "otelcol_connector_servicegraph_dropped_spans",
                "Number of spans dropped when trying to add edges",
            ),
            new: count("otelcol_connector_servicegraph_total_edges", "Total number of unique edges"),
            expired: count(
                "otelcol_connector_servicegraph_expired_edges",
                "Number of edges that expired before finding its matching span",
            ),
            overflows: count("kpulse_connector_overflow_items", "Number of items that found no series of their own."),
            without_service: dropped("no_service_name"),
            shutdown: dropped("shutdown"),
            retryable: dropped("retryable"),
            permanent: dropped("permanent"),
            closed: dropped("closed"),
        }
    }

    /// Spans were taken in, or edges waited long enough.
    pub fn saw(&self, tally: Tally) {
        self.no_room.add(tally.no_room);
        self.new.add(tally.new);
        self.expired.add(tally.expired);
        self.overflows.add(tally.overflows);
        self.without_service.add(tally.without_service);
    }

    /// So many spans waited for their other side at the stop.
    pub fn gave_up(&self, spans: usize) {
        self.shutdown.add(spans as u64);
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
