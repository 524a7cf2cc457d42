//! Handing over what is held, every so often and at a stop.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use pipeline::{Next, Stop};
use tokio::time::{MissedTickBehavior, interval};

/// Something that holds.
pub trait Flush: Send + Sync + 'static {
    /// Hands over all that is held.
    fn flush(&self, next: &Next) -> impl Future<Output = ()> + Send;
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
