//! What became of edges, with the Collector's names, and what was not taken.

use opentelemetry::KeyValue;
use pipeline::component::BuildContext;
use pipeline::{Drops, ItemCounter, Refused};

use super::aggregate::Tally;

/// The instruments of one connector.
pub struct Counts {
    no_room: ItemCounter,
    new: ItemCounter,
    expired: ItemCounter,
    overflows: ItemCounter,
    without_service: ItemCounter,
    shutdown: ItemCounter,
    /// Points that were not taken by what stands behind.
    pub refused: Refused,
}

impl Counts {
    pub fn new(cx: &BuildContext) -> Self {
        let label = KeyValue::new("connector", cx.id.to_string());
        let count = |name: &str, about| cx.telemetry.items(name.to_owned(), about, vec![label.clone()]);
        let drops = Drops::of_connector(cx);
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
            without_service: drops.of("no_service_name"),
            shutdown: drops.of("shutdown"),
            refused: drops.refused(),
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
}
