//! Between two components: some records pass, the others wait.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::ComponentId;
use indexmap::IndexMap;
use pipeline::proto::LogsRequest;
use pipeline::{Batch, Next, Partition, Rejected, Stop, Tasks};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::aggregate::{Shape, Shared, Waiting};
use super::{Config, Counts};
use ottl::walk;
use ottl::{Client, Condition, Context, ErrorMode, Failures, Target};

/// So many different records may wait.
const AT_MOST: usize = 100_000;

/// The processor between two components.
pub struct Stage {
    next: Next,
    conditions: Vec<(Condition, String)>,
    shape: Shared,
    counts: Counts,
    failures: Failures,
    metadata_keys: Vec<String>,
    most_combinations: usize,
    waiting: Mutex<IndexMap<Partition, Waiting>>,
    /// Records that are on their way to the next component.
    sending: AtomicU64,
    /// From the request to stop on nothing waits.
    stopping: AtomicBool,
}

impl Stage {
    pub fn new(
        next: Next,
        config: &Config,
        conditions: Vec<(Condition, String)>,
        shape: Shape,
        counts: Counts,
        failures: Failures,
    ) -> Self {
        let most_combinations = config.metadata_cardinality_limit as usize;
        let (shape, metadata_keys) = (Arc::new(shape), config.metadata_keys.clone());
        Self {
            next,
            conditions,
            shape,
            counts,
            failures,
            metadata_keys,
            most_combinations,
            waiting: Mutex::default(),
            sending: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    /// The edge into it. Its task sends what waits every so often, and at a stop.
    pub fn edge(self, every: Duration, id: &ComponentId, tasks: &mut Tasks) -> Next {
        let stage = Arc::new(self);
        let (held, gone) = mpsc::channel(1);
        tasks.spawn(id.to_string(), flush_every(every, stage.clone(), tasks.stop(), gone));
        Next::from_fn(move |batch| {
            let (stage, held) = (stage.clone(), held.clone());
            async move {
                let _held = held;
                stage.take(batch).await
            }
        })
    }

    async fn take(&self, mut batch: Batch) -> Result<(), Rejected> {
        let partition = Partition::of(batch.origin(), &self.metadata_keys);
        let is_full = {
            let mut waiting = self.lock();
            let is_new = !waiting.contains_key(&partition);
            if is_new && self.most_combinations > 0 && waiting.len() >= self.most_combinations {
                return Err(Rejected::permanent("too many combinations of metadata values"));
            }
            let held = waiting.entry(partition).or_default();
            let asks = Client::is_in(self.conditions.iter().map(|(_, text)| text));
            let client = asks.then(|| Client::of(batch.origin()));
            let changed = batch.change::<LogsRequest>(|request| self.part(request, client.as_ref(), held));
            changed.map_err(|undecodable| Rejected::permanent(undecodable.to_string()))?;
            self.stopping.load(Ordering::Relaxed) || waiting.values().map(Waiting::len).sum::<usize>() >= AT_MOST
        };
        if is_full {
            self.flush().await;
        }
        if batch.items() == 0 {
            return Ok(());
        }
        // What waits was taken: only the others can be sent again.
        let passing = batch.clone();
        let refused =
            |rejected: Rejected| Rejected { rest: Some(rejected.rest.clone().unwrap_or(passing)), ..rejected };
        self.next.send(batch).await.map_err(refused)
    }

    /// Moves what is to wait out of a request.
    fn part(&self, request: &mut LogsRequest, client: Option<&Arc<Client>>, held: &mut Waiting) {
        let mut taken = Vec::new();
        // Nothing in it fails.
        let _ = walk::visit(request, Context::Log, &mut |target| {
            target.client = client.cloned();
            let waits = self.waits(target);
            if waits {
                held.add(target, &self.shape);
            }
            taken.push(waits);
            Ok(())
        });
        let mut taken = taken.into_iter();
        walk::retain(request, Context::Log, &mut |_| taken.next() == Some(true));
    }

    fn waits(&self, target: &Target<'_>) -> bool {
        self.conditions.is_empty()
            || self.conditions.iter().any(|(condition, text)| match condition.holds(target) {
                Ok(holds) => holds,
                Err(failure) => {
                    // A failure that is ignored is told and counted.
                    let _ = self.failures.handle(ErrorMode::Ignore, "condition", text, &failure);
                    false
                }
            })
    }

    /// Sends all that waits.
    async fn flush(&self) {
        let waiting = std::mem::take(&mut *self.lock());
        for (partition, mut held) in waiting {
            let request = held.take(&self.shape, &mut |count| self.counts.aggregated(count));
            let batch = Batch::new(request, partition.origin(&self.metadata_keys).into());
            let items = batch.items();
            if items == 0 {
                continue;
            }
            self.sending.fetch_add(items.into(), Ordering::Relaxed);
            let answer = self.next.send(batch).await;
            self.sending.fetch_sub(items.into(), Ordering::Relaxed);
            if let Err(rejected) = answer {
                let lost = rejected.items(items);
                self.counts.refused(rejected.kind, lost);
                tracing::warn!(items = lost, error = %rejected, "failed to consume logs");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, IndexMap<Partition, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing is ever sent through `gone`: it ends when nobody holds the edge any longer.
async fn flush_every(every: Duration, stage: Arc<Stage>, mut stop: Stop, mut gone: mpsc::Receiver<()>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    while !stage.stopping.load(Ordering::Relaxed) {
        tokio::select! {
            _ = ticks.tick() => stage.flush().await,
            () = stop.requested() => stage.stopping.store(true, Ordering::Relaxed),
        }
    }
    stage.flush().await;
    // What an earlier processor still drains comes too.
    gone.recv().await;
    stage.flush().await;
}

/// A stop that ran out of time ends the task where it stands.
impl Drop for Stage {
    fn drop(&mut self) {
        let held = self.lock().values().map(Waiting::items).sum::<u64>();
        let lost = held + self.sending.load(Ordering::Relaxed);
        if lost > 0 {
            self.counts.shutdown(lost);
            tracing::error!(items = lost, "records were lost because the log_dedup processor had to end");
        }
    }
}
