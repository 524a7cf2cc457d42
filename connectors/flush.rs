//! Handing over what is held, every so often and at a stop.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use pipeline::connector::Outputs;
use pipeline::proto::MetricsRequest;
use pipeline::{Batch, Next, Refused, Signal, Stop};
use tokio::time::{MissedTickBehavior, interval};

/// Something that holds metrics.
pub trait Flush: Send + Sync + 'static {
    /// What they are of, for a warning.
    const OF: &'static str;

    /// All that is held.
    fn metrics(&self) -> MetricsRequest;

    /// Where it is counted what was not taken.
    fn refused(&self) -> &Refused;

    /// Hands over all that is held.
    fn flush(&self, next: &Next) -> impl Future<Output = ()> + Send {
        let request = self.metrics();
        async move {
            if request.resource_metrics.is_empty() {
                return;
            }
            let batch = Batch::new(request, Arc::default());
            let items = batch.items();
            if let Err(rejected) = next.send(batch).await {
                self.refused().add(rejected.kind, rejected.items(items));
                tracing::warn!(items, of = Self::OF, error = %rejected, "failed to hand over metrics");
            }
        }
    }
}

/// The pipelines of metrics behind a connector.
pub fn behind(outputs: &Outputs) -> Next {
    // Without one the configuration was refused.
    outputs.get(Signal::Metrics).cloned().unwrap_or_else(|| Next::fan_out(Vec::new()))
}

/// Until the stop, and once more then: the pipelines before it have drained.
pub async fn flush_every<F: Flush>(every: Duration, held: Arc<F>, next: Next, mut stop: Stop) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => held.flush(&next).await,
            () = stop.requested() => break,
        }
    }
    held.flush(&next).await;
}
