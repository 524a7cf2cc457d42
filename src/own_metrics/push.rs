//! Own metrics to an OTLP receiver, again and again.

use std::sync::Arc;
use std::time::Duration;

use pipeline::component::Exporter;
use pipeline::{Batch, Periodic, Rejected, Signal, StartError, Stop, Tasks};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Source;
use crate::otlp_push;

/// Builds the exporter and sends from now on.
pub async fn start(settings: &Periodic, source: Source, tasks: &mut Tasks) -> Result<(), StartError> {
    let Some(otlp) = &settings.exporter.otlp else { return Ok(()) };
    let failed = |e: String| StartError(format!("cannot send own metrics to {}: {e}", otlp.url()));
    let exporter = otlp_push::exporter(otlp, Signal::Metrics, &source.telemetry).map_err(failed)?;
    exporter.start(tasks).await.map_err(|e| failed(e.to_string()))?;
    let millis = |number: u32| Duration::from_millis(number.into());
    let push = Push { exporter, source, limit: millis(settings.timeout) };
    tasks.spawn(format!("own metrics to {}", otlp.url()), push.run(millis(settings.interval), tasks.stop()));
    Ok(())
}

struct Push {
    exporter: Arc<dyn Exporter>,
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
        self.exporter.shutdown().await;
    }

    async fn send(&self) {
        let Some(snapshot) = self.source.snapshot() else { return };
        let sending = self.exporter.send(Batch::new(snapshot, Arc::default()));
        let answer = timeout(self.limit, sending).await;
        if let Err(error) = answer.unwrap_or_else(|_| Err(Rejected::retryable("no answer in time"))) {
            tracing::warn!(%error, "cannot send own metrics");
        }
    }
}
