//! What components drop, by reason.

use opentelemetry::KeyValue;

use crate::component::BuildContext;
use crate::{ItemCounter, RejectedKind, Telemetry};

/// The counters of what one component drops: `kpulse_processor_dropped_items`, or the same of an exporter or a connector.
#[derive(Clone, Debug)]
pub struct Drops {
    telemetry: Telemetry,
    name: &'static str,
    about: &'static str,
    component: KeyValue,
}

impl Drops {
    /// Those of a processor.
    pub fn of_processor(cx: &BuildContext) -> Self {
        Self {
            telemetry: cx.telemetry.clone(),
            name: "kpulse_processor_dropped_items",
            about: "Number of items that a processor dropped.",
            component: KeyValue::new("processor", cx.id.to_string()),
        }
    }

    /// Those of an exporter.
    pub fn of_exporter(cx: &BuildContext) -> Self {
        Self {
            telemetry: cx.telemetry.clone(),
            name: "kpulse_exporter_dropped_items",
            about: "Number of items that an exporter could not represent.",
            component: KeyValue::new("exporter", cx.id.to_string()),
        }
    }

    /// Those of a connector.
    pub fn of_connector(cx: &BuildContext) -> Self {
        Self {
            telemetry: cx.telemetry.clone(),
            name: "kpulse_connector_dropped_items",
            about: "Number of items that a connector did not count, or that were not taken behind it.",
            component: KeyValue::new("connector", cx.id.to_string()),
        }
    }

    /// The counter of one reason.
    pub fn of(&self, reason: &'static str) -> ItemCounter {
        let labels = vec![self.component.clone(), KeyValue::new("reason", reason)];
        self.telemetry.items(self.name.to_owned(), self.about, labels)
    }

    /// The counters of what the next component did not take after it was answered for.
    pub fn refused(&self) -> Refused {
        Refused { retryable: self.of("retryable"), permanent: self.of("permanent"), closed: self.of("closed") }
    }
}

/// Counts items that the next component did not take.
#[derive(Clone, Debug)]
pub struct Refused {
    retryable: ItemCounter,
    permanent: ItemCounter,
    closed: ItemCounter,
}

impl Refused {
    /// So many items were refused.
    pub fn add(&self, kind: RejectedKind, items: impl Into<u64>) {
        match kind {
            RejectedKind::Retryable => self.retryable.add(items),
            RejectedKind::Permanent => self.permanent.add(items),
            RejectedKind::Closed => self.closed.add(items),
        }
    }
}
