//! Own metrics to an OTLP receiver or standard output, again and again.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{Batch, Periodic, Signal, StartError, Stop, Tasks};
use tokio::time::{MissedTickBehavior, interval};

use super::Source;
use crate::own_push::Target;

/// Opens the target and sends from now on.
pub async fn start(settings: &Periodic, source: Source, tasks: &mut Tasks) -> Result<(), StartError> {
    let target = Target::open(&settings.exporter.target(), Signal::Metrics, &source.telemetry, tasks).await?;
    let millis = |number: u32| Duration::from_millis(number.into());
    let name = format!("own metrics to {}", target.name);
    let push = Push { target, source, limit: millis(settings.timeout) };
    tasks.spawn(name, push.run(millis(settings.interval), tasks.stop()));
    Ok(())
}

struct Push {
    target: Target,
    source: Source,
    limit: Duration,
}

impl Push {
    async fn run(self, every: Duration, mut stop: Stop) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            tokio::select! {
                _ = ticks.tick() => self.send().await,
                () = stop.requested() => break,
            }
        }
        // The last values are worth having too.
        self.send().await;
        self.target.close().await;
    }

    async fn send(&self) {
        let Some(snapshot) = self.source.snapshot() else { return };
        if let Err(error) = self.target.send(Batch::new(snapshot, Arc::default()), self.limit).await {
            tracing::warn!(%error, "cannot send own metrics");
        }
    }
}
