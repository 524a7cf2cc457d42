//! What did not become a metric of its own, and what was not taken.

use opentelemetry::KeyValue;
use pipeline::component::BuildContext;
use pipeline::{Drops, ItemCounter, Refused};

use super::aggregate::Tally;

/// The instruments of one connector.
pub struct Counts {
    without_service: ItemCounter,
    overflows: ItemCounter,
    /// Points that were not taken by what stands behind.
    pub refused: Refused,
}

impl Counts {
    pub fn new(cx: &BuildContext) -> Self {
        let label = KeyValue::new("connector", cx.id.to_string());
        let drops = Drops::of_connector(cx);
        let about = "Number of items that found no series of their own.";
        Self {
            without_service: drops.of("no_service_name"),
            refused: drops.refused(),
            overflows: cx.telemetry.items("kpulse_connector_overflow_items".into(), about, vec![label]),
        }
    }

    /// Spans were taken in.
    pub fn saw(&self, tally: Tally) {
        self.without_service.add(tally.without_service);
        self.overflows.add(tally.overflows);
    }
}
