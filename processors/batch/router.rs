//! Batches to the shard of their metadata.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use config::ComponentId;
use pipeline::{Batch, Next, Partition, Rejected, Stop, Tasks};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::shard::Shard;
use super::{Config, Counts};

/// An edge into batching in front of `next`. Its tasks end when nobody holds the edge any longer.
pub fn around(next: Next, config: Config, counts: Counts, id: &ComponentId, tasks: &mut Tasks) -> Next {
    let (started, shards) = mpsc::unbounded_channel();
    tasks.spawn(id.to_string(), keep(shards));
    let router = Router { config, counts, next, stop: tasks.stop(), started, inputs: Mutex::default() };
    let router = Arc::new(router);
    Next::from_fn(move |batch| {
        let router = router.clone();
        async move { router.take(batch).await }
    })
}

struct Router {
    config: Config,
    counts: Counts,
    next: Next,
    stop: Stop,
    started: mpsc::UnboundedSender<Shard>,
    inputs: Mutex<HashMap<Partition, mpsc::Sender<Batch>>>,
}

impl Router {
    async fn take(&self, batch: Batch) -> Result<(), Rejected> {
        let input = self.input(&batch)?;
        input.send(batch).await.map_err(|_| Rejected::closed("the batch processor has stopped"))
    }

    fn input(&self, batch: &Batch) -> Result<mpsc::Sender<Batch>, Rejected> {
        let key = Partition::of(batch.origin(), &self.config.metadata_keys);
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(input) = inputs.get(&key) {
            return Ok(input.clone());
        }
        let limit = self.config.metadata_cardinality_limit as usize;
        if !self.config.metadata_keys.is_empty() && limit > 0 && inputs.len() >= limit {
            return Err(Rejected::permanent("too many batcher metadata-value combinations"));
        }
        // As in the Collector, so many requests wait in front of a batch; then their senders wait.
        let waiting = std::thread::available_parallelism().map_or(1, usize::from);
        let (input, received) = mpsc::channel(waiting);
        let (config, counts, next) = (self.config.clone(), self.counts.clone(), self.next.clone());
        let origin = key.origin(&self.config.metadata_keys).into();
        let shard = Shard::new(config, counts, next, origin, received, self.stop.clone());
        self.started.send(shard).map_err(|_| Rejected::closed("the batch processor has stopped"))?;
        inputs.insert(key, input.clone());
        self.counts.combinations(1);
        Ok(input)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let inputs = self.inputs.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.counts.combinations(-(inputs.len() as i64));
    }
}

/// Runs the shards. A panic in one ends this task, which the service reports.
pub async fn keep(mut started: mpsc::UnboundedReceiver<Shard>) {
    let mut shards = JoinSet::new();
    let mut open = true;
    while open || !shards.is_empty() {
        tokio::select! {
            shard = started.recv(), if open => match shard {
                Some(shard) => {
                    shards.spawn(shard.run());
                }
                None => open = false,
            },
            ended = shards.join_next(), if !shards.is_empty() => {
                if let Some(Err(error)) = ended
                    && let Ok(panic) = error.try_into_panic()
                {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
}
