//! Several at once, or each by itself.

use std::time::Duration;

use opentelemetry::KeyValue as Label;
use pipeline::{
    Batch, BatchProcessor, ItemCounter, PushProcessor, Signal, SimpleProcessor, StartError, Taker, Tasks, Telemetry,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument, Span};

use super::Target;
use crate::speaker::Speaker;

/// Something that kpulse says of itself.
pub trait Said: Send + Sized + 'static {
    /// As which signal it goes out.
    const SIGNAL: Signal;
    /// The counter of those that did not arrive.
    const DROPPED: &'static str;
    /// How long one waits for others, if the settings do not say.
    const DELAY: Duration;

    /// All of these as one request.
    fn request(speaker: &Speaker, items: Vec<Self>) -> Batch;
}

/// Opens the target, and sends from now on what the taker takes. Log lines about it are in `span`.
pub async fn start<T: Said>(
    processor: &PushProcessor,
    speaker: &Speaker,
    telemetry: &Telemetry,
    span: Span,
    tasks: &mut Tasks,
) -> Result<Taker<T>, StartError> {
    let simple = |SimpleProcessor { exporter }: &SimpleProcessor| BatchProcessor {
        max_export_batch_size: 1,
        exporter: exporter.clone(),
        ..BatchProcessor::default()
    };
    let batch = processor.batch.clone().or_else(|| processor.simple.as_ref().map(simple)).unwrap_or_default();
    let (items, taken) = mpsc::channel(batch.max_queue_size.max(1) as usize);
    let target = Target::open(&batch.exporter, T::SIGNAL, telemetry, tasks).instrument(span.clone()).await?;
    let count = |reason: &'static str| {
        let labels = vec![Label::new("to", target.name.clone()), Label::new("reason", reason)];
        telemetry.items(T::DROPPED.into(), "Number of own items that were not sent.", labels)
    };
    let dropped = count("no_room");
    let millis = |number: u32| Duration::from_millis(number.into());
    let name = format!("own {} to {}", T::SIGNAL.name(), target.name);
    let sender = Sender {
        speaker: speaker.clone(),
        delay: batch.schedule_delay.map_or(T::DELAY, millis),
        limit: millis(batch.export_timeout),
        at_once: batch.max_export_batch_size.max(1) as usize,
        refused: count("refused"),
        target,
    };
    tasks.spawn(name, sender.run(taken).instrument(span));
    Ok(Taker { items, dropped })
}

struct Sender {
    target: Target,
    speaker: Speaker,
    delay: Duration,
    limit: Duration,
    at_once: usize,
    refused: ItemCounter,
}

impl Sender {
    /// Until nobody says anything any more; then sends the last.
    async fn run<T: Said>(self, mut taken: mpsc::Receiver<T>) {
        let mut held = Vec::new();
        while let Some(first) = taken.recv().await {
            held.push(first);
            let due = Instant::now() + self.delay;
            while held.len() < self.at_once {
                tokio::select! {
                    next = taken.recv() => match next {
                        Some(next) => held.push(next),
                        None => break,
                    },
                    () = sleep_until(due) => break,
                }
            }
            self.send(std::mem::take(&mut held)).await;
        }
        self.target.close().await;
    }

    async fn send<T: Said>(&self, items: Vec<T>) {
        let count = items.len() as u64;
        if let Err(error) = self.target.send(T::request(&self.speaker, items), self.limit).await {
            self.refused.add(count);
            tracing::warn!(%error, dropped_items = count, "cannot send own {}", T::SIGNAL.name());
        }
    }
}
