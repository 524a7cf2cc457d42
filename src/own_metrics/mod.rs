//! kpulse's own metrics: `service::telemetry::metrics`.

mod delta;
mod page;
mod push;

use std::time::Duration;

use pipeline::proto::MetricsRequest;
use pipeline::{Detail, MetricSettings, Reader, StartError, Tasks, Telemetry, TelemetrySettings};

use crate::speaker::{self, Speaker};

/// What an answer or a sending under way may take when its reader is stopped.
const PATIENCE: Duration = Duration::from_secs(1);
/// Begins names that level `basic` does not show.
const NOT_BASIC: &str = "otelcol_processor_batch_";

/// The readers that run.
pub struct Readers {
    telemetry: Telemetry,
    instance_id: String,
    running: Vec<Running>,
}

struct Running {
    reader: Reader,
    level: Detail,
    speaker: Speaker,
    tasks: Tasks,
}

/// Where readers get their values from.
#[derive(Clone)]
struct Source {
    telemetry: Telemetry,
    speaker: Speaker,
    level: Detail,
}

impl Readers {
    /// None yet.
    pub fn new(telemetry: &Telemetry, instance_id: &str) -> Self {
        Self { telemetry: telemetry.clone(), instance_id: instance_id.to_owned(), running: Vec::new() }
    }

    /// Goes over to `settings`: readers that are the same stay.
    ///
    /// # Errors
    /// When an address cannot be used. Those before it run.
    pub async fn change(&mut self, settings: &TelemetrySettings) -> Result<(), StartError> {
        let MetricSettings { level, .. } = settings.metrics;
        let (wanted, speaker) = (settings.metrics.active_readers(), speaker::of(&self.instance_id, &settings.resource));
        let same = |running: &Running| running.level == level && running.speaker == speaker;
        let gone = self
            .running
            .extract_if(.., |running| !(same(running) && wanted.contains(&running.reader)))
            .collect::<Vec<_>>();
        for Running { tasks, .. } in gone {
            tasks.end(PATIENCE).await;
        }
        let source = Source { telemetry: self.telemetry.clone(), speaker: speaker.clone(), level };
        for reader in wanted {
            if !self.running.iter().any(|running| running.reader == *reader) {
                let tasks = start(reader, &source).await?;
                self.running.push(Running { reader: reader.clone(), level, speaker: speaker.clone(), tasks });
            }
        }
        Ok(())
    }

    /// Ends all of them; those that send do so once more.
    pub async fn stop(self) {
        for Running { tasks, .. } in self.running {
            tasks.end(PATIENCE).await;
        }
    }
}

async fn start(reader: &Reader, source: &Source) -> Result<Tasks, StartError> {
    let mut tasks = Tasks::default();
    if let Some(pull) = &reader.pull {
        page::start(&pull.exporter.prometheus, source.clone(), &mut tasks).await?;
    }
    if let Some(periodic) = &reader.periodic {
        push::start(periodic, source.clone(), &mut tasks).await?;
    }
    Ok(tasks)
}

impl Source {
    /// All values of this moment that the level shows, under the resource that speaks.
    fn snapshot(&self) -> Option<MetricsRequest> {
        let mut snapshot = self.telemetry.snapshot()?;
        for resource in &mut snapshot.resource_metrics {
            resource.resource = Some(speaker::resource(&self.speaker));
            resource.schema_url.clone_from(&self.speaker.schema_url);
            if self.level == Detail::Basic {
                for scope in &mut resource.scope_metrics {
                    scope.metrics.retain(|metric| !metric.name.starts_with(NOT_BASIC));
                }
            }
        }
        Some(snapshot)
    }
}
