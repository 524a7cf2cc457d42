//! What stands in front of every exporter: the counts of what was sent and what was not.
//!
//! The order is the Collector's: enqueue counts, queue and batcher, consumers, sent/failed counts, retry,
//! timeout per attempt, leaf. Exporters that write on this machine (debug, file, prometheus) have the counts and
//! the leaf; the stages between belong to exporters that reach a network.

use std::sync::Arc;

use opentelemetry::KeyValue;

use crate::component::Exporter;
use crate::{Batch, ItemCounter, Next, Rejected, Signal, Telemetry};

/// An edge into `exporter` that counts, for one signal, what it took and what it did not.
pub(crate) fn into_exporter(exporter: Arc<dyn Exporter>, id: &str, signal: Signal, telemetry: &Telemetry) -> Next {
    let labels = vec![KeyValue::new("exporter", id.to_owned())];
    let items = signal.items();
    let sent = telemetry.items(
        format!("otelcol_exporter_sent_{items}"),
        "Number of items successfully sent to destination.",
        labels.clone(),
    );
    let failed = telemetry.items(
        format!("otelcol_exporter_send_failed_{items}"),
        "Number of items in failed attempts to send to destination.",
        labels,
    );
    Next::from_fn(move |batch| send(exporter.clone(), batch, sent.clone(), failed.clone()))
}

async fn send(
    exporter: Arc<dyn Exporter>,
    batch: Batch,
    sent: ItemCounter,
    failed: ItemCounter,
) -> Result<(), Rejected> {
    let items = batch.items();
    let answer = exporter.send(batch).await;
    let lost = answer.as_ref().err().map_or(0, |rejected| rejected.items(items));
    sent.add(items.saturating_sub(lost));
    if lost > 0 {
        failed.add(lost);
    }
    answer
}
