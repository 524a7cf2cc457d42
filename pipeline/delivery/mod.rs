//! What stands in front of every exporter.
//!
//! The order is the Collector's: enqueue counts, queue, consumers, sent/failed counts, retry, timeout per attempt,
//! leaf. An exporter's [`Delivery`] says which of them it has. Exporters that write on this machine (debug, file,
//! prometheus) have the counts and the leaf; the stages between belong to exporters that reach a network.
//!
//! At stop, back-offs end at once and what waited gets a last attempt; then the queue hands out what it holds, one
//! attempt each, until the deadline. What has no answer by then is counted as lost. A queue on disk hands out until the
//! first failure, for some seconds at most, and the rest is there at the next start.

mod attempt;
mod backoff;
mod counts;
mod queue;
mod retry;
mod settings;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use tower::{Service, ServiceBuilder};

use crate::component::Exporter;
use crate::{Batch, Next, Rejected, Signal, Stop, Tasks, Telemetry};

use queue::Holds;
pub use queue::{BatchSettings, PartitionSettings, QueueSettings, Sizer, StorageId};
pub(crate) use queue::{Disk, Lost, Opened};
pub use settings::{Delivery, RetrySettings, Server};

/// A service that can be part of the stack. Each call drives a clone of what stands behind it.
trait Stage: Service<Batch, Response = (), Error = Rejected, Future: Send> + Clone + Send + Sync + 'static {}

impl<S> Stage for S where
    S: Service<Batch, Response = (), Error = Rejected, Future: Send> + Clone + Send + Sync + 'static
{
}

/// For whom a stack is built: one per exporter and signal, shared by all pipelines.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The exporter's id as written.
    pub id: &'a str,
    /// What flows through.
    pub signal: Signal,
    /// Where it counts.
    pub telemetry: &'a Telemetry,
}

/// What the stacks of a service run on.
pub(crate) struct Stacks<'a> {
    /// The consumers of all queues.
    pub consumers: &'a mut Tasks,
    /// Requested when the service begins to stop: no more waiting between attempts.
    pub stopping: Stop,
    /// What the queues could not deliver in time.
    pub lost: &'a mut Vec<Lost>,
}

impl Stacks<'_> {
    /// An edge into `exporter` with all the stages that `delivery` asks for.
    pub fn build(
        &mut self,
        exporter: Arc<dyn Exporter>,
        delivery: &Delivery,
        opened: Option<Opened>,
        place: Place<'_>,
    ) -> Next {
        let leaf = tower::service_fn(move |batch| {
            let exporter = exporter.clone();
            async move { exporter.send(batch).await }
        });
        // A queue has taken the responsibility: the sender's deadline no longer counts.
        let heeds_deadline = delivery.queue.as_ref().is_none_or(|queue| queue.wait_for_result);
        let max_retries = delivery.max_retries;
        let retry = |settings| retry::layer(settings, max_retries, self.stopping.clone(), heeds_deadline);
        let retry = delivery.retry.clone().map(retry);
        let sending = ServiceBuilder::new()
            .layer(counts::sending(place, delivery))
            .option_layer(retry)
            .option_layer(delivery.timeout.map(attempt::layer))
            .service(leaf);
        match &delivery.queue {
            Some(settings) => self.queue(settings, Next::new(sending), opened, place),
            None => Next::new(sending),
        }
    }

    fn queue(&mut self, settings: &QueueSettings, exports: Next, opened: Option<Opened>, place: Place<'_>) -> Next {
        let holds = match opened {
            Some(opened) => Holds::Disk(opened),
            None => {
                let lost = Lost::new(place);
                self.lost.push(lost.clone());
                Holds::Memory(lost)
            }
        };
        Next::new(queue::start(settings, exports, place, holds, self.consumers))
    }
}
