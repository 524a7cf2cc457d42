//! How receivers hand batches to the pipelines: waiting, or never waiting.

use opentelemetry::KeyValue;
use tokio::sync::mpsc;

use crate::{Batch, ItemCounter, Next, Rejected, Signal, Tasks, Telemetry};

/// Batches that an [`Outlet::offer`] may have under way; more are refused and counted.
const OFFERED_AT_MOST: usize = 64;

/// The outlets of one receiver: one per signal that some pipeline takes from it.
#[derive(Clone, Debug, Default)]
pub struct Outlets(Vec<(Signal, Outlet)>);

impl Outlets {
    pub(crate) fn push(&mut self, signal: Signal, outlet: Outlet) {
        self.0.push((signal, outlet));
    }

    /// The outlet of this signal, if a pipeline wants it.
    pub fn get(&self, signal: Signal) -> Option<&Outlet> {
        self.0.iter().find(|(s, _)| *s == signal).map(|(_, outlet)| outlet)
    }
}

/// Where a receiver puts the batches of one signal. What it accepted and refused is counted.
#[derive(Clone, Debug)]
pub struct Outlet {
    next: Next,
    counts: Counts,
    offered: mpsc::Sender<Batch>,
}

#[derive(Clone, Debug)]
struct Counts {
    accepted: ItemCounter,
    refused: ItemCounter,
}

impl Outlet {
    /// `forwarders` gets the task that carries offered batches on; it ends when every outlet clone is gone.
    pub(crate) fn new(next: Next, id: &str, signal: Signal, telemetry: &Telemetry, forwarders: &mut Tasks) -> Self {
        let labels = vec![KeyValue::new("receiver", id.to_owned())];
        let items = signal.items();
        let counts = Counts {
            accepted: telemetry.items(
                format!("otelcol_receiver_accepted_{items}"),
                "Number of items successfully pushed into the pipeline.",
                labels.clone(),
            ),
            refused: telemetry.items(
                format!("otelcol_receiver_refused_{items}"),
                "Number of items that could not be pushed into the pipeline.",
                labels,
            ),
        };
        let (offered, queue) = mpsc::channel(OFFERED_AT_MOST);
        forwarders.spawn(format!("{id} ({signal})"), forward(queue, next.clone(), counts.clone()));
        Self { next, counts, offered }
    }

    /// Hands a batch over and waits for the answer. For receivers whose sender can wait.
    ///
    /// # Errors
    /// What the pipeline answered.
    pub async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        self.counts.send(&self.next, batch).await
    }

    /// Hands a batch over without ever waiting. For receivers that the kernel feeds: what finds no place is
    /// counted as refused.
    pub fn offer(&self, batch: Batch) {
        if let Err(mpsc::error::TrySendError::Full(batch) | mpsc::error::TrySendError::Closed(batch)) =
            self.offered.try_send(batch)
        {
            self.counts.refused.add(batch.items());
        }
    }
}

impl Counts {
    async fn send(&self, next: &Next, batch: Batch) -> Result<(), Rejected> {
        let items = batch.items();
        let answer = next.send(batch).await;
        let refused = answer.as_ref().err().map_or(0, |rejected| rejected.items(items));
        self.accepted.add(items.saturating_sub(refused));
        if refused > 0 {
            self.refused.add(refused);
        }
        answer
    }
}

async fn forward(mut queue: mpsc::Receiver<Batch>, next: Next, counts: Counts) {
    while let Some(batch) = queue.recv().await {
        let items = batch.items();
        if let Err(rejected) = counts.send(&next, batch).await {
            // The kernel cannot be asked again: this is where such items end, and they are counted as refused.
            tracing::debug!(items, reason = %rejected, "items refused by the pipeline");
        }
    }
}
