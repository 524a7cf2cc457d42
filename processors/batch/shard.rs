//! One growing batch.

use std::num::NonZeroU32;
use std::sync::Arc;

use pipeline::{Batch, Next, Origin, Rejected, Stop};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::counts::Trigger;
use super::{Config, Counts};

/// Collects batches until they are enough, or old enough.
pub struct Shard {
    config: Config,
    counts: Counts,
    next: Next,
    origin: Arc<Origin>,
    input: mpsc::Receiver<Batch>,
    stop: Stop,
    stopping: bool,
    held: Vec<Batch>,
    /// Items that were taken and that nobody behind has answered for yet.
    owed: u32,
    /// When `held` has waited long enough.
    due: Option<Instant>,
}

impl Shard {
    pub fn new(
        config: Config,
        counts: Counts,
        next: Next,
        origin: Arc<Origin>,
        input: mpsc::Receiver<Batch>,
        stop: Stop,
    ) -> Self {
        let (stopping, held, owed, due) = (false, Vec::new(), 0, None);
        Self { config, counts, next, origin, input, stop, stopping, held, owed, due }
    }

    /// Runs until nobody can send to it any longer: what an earlier processor still drains at a stop comes too.
    pub async fn run(mut self) {
        loop {
            let due = self.due;
            tokio::select! {
                biased;
                () = at(due) => self.send(Trigger::Timeout).await,
                received = self.input.recv() => match received {
                    Some(batch) => self.add(batch).await,
                    None => break,
                },
                () = self.stop.requested(), if !self.stopping => self.drain().await,
            }
        }
        self.send(Trigger::Timeout).await;
    }

    /// From now on nothing waits for company.
    async fn drain(&mut self) {
        self.stopping = true;
        while let Ok(batch) = self.input.try_recv() {
            self.add(batch).await;
        }
        self.send(Trigger::Timeout).await;
    }

    async fn add(&mut self, batch: Batch) {
        if batch.items() == 0 {
            return;
        }
        self.owed += batch.items();
        self.held.push(batch);
        if !self.config.waits() || self.owed >= self.config.send_batch_size {
            self.send(Trigger::Size).await;
        }
        if !self.held.is_empty() && self.due.is_none() {
            // The clock starts with the first item, so that an idle pipeline has no timer to wake for.
            let wait = if self.stopping { std::time::Duration::ZERO } else { self.config.timeout };
            self.due = Some(Instant::now() + wait);
        }
    }

    /// Sends what is held, but keeps what is left behind full batches and not enough for another.
    async fn send(&mut self, trigger: Trigger) {
        self.due = None;
        let mut pieces = self.pieces();
        if trigger == Trigger::Size && self.config.waits() {
            self.held.extend(pieces.pop_if(|last| last.items() < self.config.send_batch_size));
        }
        for piece in pieces {
            let items = piece.items();
            self.counts.sent(trigger, items);
            if let Err(rejected) = self.next.send(piece).await {
                self.lose(&rejected, items);
            }
            self.owed -= items;
        }
    }

    fn pieces(&mut self) -> Vec<Batch> {
        let held = std::mem::take(&mut self.held);
        let Some(whole) = Batch::concat(held.clone(), self.origin.clone()) else {
            // What cannot be joined goes on as it came.
            return held;
        };
        let items = whole.items();
        let pieces = match NonZeroU32::new(self.config.send_batch_max_size) {
            Some(max) => whole.split(max),
            None => Ok(vec![whole]),
        };
        pieces.unwrap_or_else(|fault| {
            self.lose(&Rejected::permanent(fault.to_string()), items);
            self.owed -= items;
            Vec::new()
        })
    }

    fn lose(&self, rejected: &Rejected, items: u32) {
        let lost = rejected.items(items);
        self.counts.dropped(rejected.kind, lost);
        tracing::warn!(items = lost, error = %rejected, "Sender failed");
    }
}

/// A stop that ran out of time ends the task where it stands.
impl Drop for Shard {
    fn drop(&mut self) {
        let mut lost = self.owed;
        while let Ok(batch) = self.input.try_recv() {
            lost += batch.items();
        }
        if lost > 0 {
            self.counts.shutdown.add(lost);
            tracing::error!(items = lost, "items were lost because the batch processor had to end");
        }
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
