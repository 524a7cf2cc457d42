//! Own metrics to an OTLP receiver or standard output, again and again.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{Batch, Periodic, Signal, StartError, Stop, Tasks, Temporality};
use tokio::time::{MissedTickBehavior, interval};

use super::Source;
use super::delta::Sent;
use crate::own_push::Target;

/// Opens the target and sends from now on.
pub async fn start(settings: &Periodic, source: Source, tasks: &mut Tasks) -> Result<(), StartError> {
    let target = Target::open(&settings.exporter.target(), Signal::Metrics, &source.telemetry, tasks).await?;
    let millis = |number: u32| Duration::from_millis(number.into());
    let name = format!("own metrics to {}", target.name);
    let is_delta =
        settings.exporter.otlp.as_ref().is_some_and(|otlp| otlp.temporality_preference == Some(Temporality::Delta));
    let push = Push { target, source, limit: millis(settings.timeout), sent: is_delta.then(Sent::default) };
    tasks.spawn(name, push.run(millis(settings.interval), tasks.stop()));
    Ok(())
}

struct Push {
    target: Target,
    source: Source,
    limit: Duration,
    /// What arrived, if that is to be told once only.
    sent: Option<Sent>,
}

impl Push {
    async fn run(mut self, every: Duration, mut stop: Stop) {
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

    async fn send(&mut self) {
        let Some(mut snapshot) = self.source.snapshot() else { return };
        let sent = self.sent.as_ref().map(|sent| sent.subtract_from(&mut snapshot));
        match self.target.send(Batch::new(snapshot, Arc::default()), self.limit).await {
            Ok(()) => self.sent = sent,
            Err(error) => tracing::warn!(%error, "cannot send own metrics"),
        }
    }
}
