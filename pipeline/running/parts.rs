//! The pieces of a running service: each starts, stays and stops on its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use config::ComponentId;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

use super::target::Target;
use crate::component::Receiver;
use crate::delivery::{Disk, Lost, Opened, Place, Stacks};
use crate::extension::Extension;
use crate::graph::{Built, New, NewPipeline, Print, chain};
use crate::health::HealthReport;
use crate::lifecycle::StopSwitch;
use crate::outlet::{Outlets, Way};
use crate::settings::PipelineSettings;
use crate::{Next, Signal, StartError, Stop, Tasks, Telemetry};

/// To write down what was delivered, also when the time to stop is over.
const DISK_AT_LEAST: Duration = Duration::from_secs(1);

/// What log lines of a component say of it, in the Collector's words. Always on: whether a line is shown is decided by its
/// own level.
pub(super) fn span(id: &ComponentId, kind: &'static str) -> Span {
    tracing::error_span!("component", otelcol.component.id = %id, otelcol.component.kind = kind)
}

pub(crate) struct ExtensionPart {
    pub id: ComponentId,
    pub print: Print,
    pub extension: Arc<dyn Extension>,
    pub tasks: Tasks,
}

impl ExtensionPart {
    pub async fn start(new: New<Arc<dyn Extension>>, health: &HealthReport) -> Result<Self, StartError> {
        let span = span(&new.id, "extension");
        let mut tasks = Tasks::of(span.clone());
        let started = new.component.start(health.watch(), &mut tasks).instrument(span).await;
        started.map_err(|e| StartError(format!("cannot start extension {}: {e}", new.id)))?;
        Ok(Self { id: new.id, print: new.print, extension: new.component, tasks })
    }

    /// Returns how many tasks had to be ended.
    pub async fn stop(mut self, deadline: Instant) -> usize {
        let late = usize::from(timeout_at(deadline, self.extension.shutdown()).await.is_err());
        self.tasks.request_stop();
        late + self.tasks.finish(deadline).await
    }
}

pub(crate) struct ExporterPart {
    pub id: ComponentId,
    pub print: Print,
    pub built: Built,
    pub tasks: Tasks,
    /// The consumers of its queues.
    pub consumers: Tasks,
    /// Ends the waits between attempts.
    pub retries: StopSwitch,
    pub lost: Vec<Lost>,
    /// The queues that are on disk.
    pub disks: Vec<Arc<Disk>>,
    /// The edges into it: one for each signal, so that pipelines share its queue.
    pub ends: HashMap<Signal, Next>,
}

impl ExporterPart {
    pub async fn start(new: New<Built>) -> Result<Self, StartError> {
        let mut part = Self::new(new);
        let started = part.built.exporter.start(&mut part.tasks).instrument(span(&part.id, "exporter")).await;
        started.map_err(|e| StartError(format!("cannot start exporter {}: {e}", part.id)))?;
        Ok(part)
    }

    /// Not started yet.
    pub fn new(new: New<Built>) -> Self {
        let span = span(&new.id, "exporter");
        Self {
            id: new.id,
            print: new.print,
            built: new.component,
            tasks: Tasks::of(span.clone()),
            consumers: Tasks::of(span),
            retries: StopSwitch::default(),
            lost: Vec::new(),
            disks: Vec::new(),
            ends: HashMap::new(),
        }
    }

    /// The edge for this signal, with its stages.
    ///
    /// # Errors
    /// When its queue cannot be opened.
    pub async fn end(&mut self, signal: Signal, telemetry: &Telemetry) -> Result<Next, StartError> {
        if let Some(end) = self.ends.get(&signal) {
            return Ok(end.clone());
        }
        let opened = self.open(signal, telemetry).instrument(span(&self.id, "exporter")).await?;
        self.disks.extend(opened.as_ref().map(|opened| opened.disk.clone()));
        let place = Place { id: &self.id.to_string(), signal, telemetry };
        let stopping = self.retries.stop();
        let mut stacks = Stacks { consumers: &mut self.consumers, stopping, lost: &mut self.lost };
        let end = stacks.build(self.built.exporter.clone(), &self.built.delivery, opened, place);
        self.ends.insert(signal, end.clone());
        Ok(end)
    }

    async fn open(&self, signal: Signal, telemetry: &Telemetry) -> Result<Option<Opened>, StartError> {
        let Some(storages) = &self.built.storages else { return Ok(None) };
        let opened = Disk::open(&**storages, &self.id, signal, telemetry).await;
        let failed = |error| StartError(format!("cannot open the queue of exporter {} ({signal}): {error}", self.id));
        opened.map_err(failed).map(Some)
    }

    /// Tells it to hand out what it holds, one attempt each.
    pub fn request_stop(&mut self) {
        self.ends.clear();
        self.retries.request();
        self.consumers.request_stop();
    }

    /// Returns how many tasks had to be ended.
    pub async fn stop(mut self, deadline: Instant) -> usize {
        self.request_stop();
        let mut late = self.consumers.finish(deadline).await;
        self.lost.iter().for_each(Lost::report);
        for disk in &self.disks {
            let _ = timeout_at(deadline.max(Instant::now() + DISK_AT_LEAST), disk.close()).await;
        }
        late += usize::from(timeout_at(deadline, self.built.exporter.shutdown()).await.is_err());
        self.tasks.request_stop();
        late + self.tasks.finish(deadline).await
    }

    /// Delivers what its queues hold with all attempts, until that is done or the whole service stops.
    pub async fn retire(mut self, mut stop: Stop) {
        self.ends.clear();
        self.consumers.request_stop();
        let whenever = Instant::now() + super::RETIRED_AT_MOST;
        tokio::select! {
            _ = self.consumers.finish(whenever) => {}
            () = stop.requested() => {}
        }
        self.stop(whenever).await;
    }
}

pub(crate) struct PipelinePart {
    pub id: ComponentId,
    pub settings: PipelineSettings,
    pub prints: Vec<Print>,
    pub entry: Next,
    pub tasks: Tasks,
}

impl PipelinePart {
    /// Starts its processors; the last hands on to `end`.
    pub async fn start(new: NewPipeline, end: Next, telemetry: &Telemetry) -> Result<Self, StartError> {
        let (settings, mut tasks) = (new.settings, Tasks::default());
        let entry = chain(new.processors, end, settings.signal, telemetry, &mut tasks).await?;
        Ok(Self { id: new.id, settings, prints: new.prints, entry, tasks })
    }

    /// Drains it. Returns how many tasks had to be ended.
    pub async fn stop(self, deadline: Instant) -> usize {
        let Self { mut tasks, entry, .. } = self;
        drop(entry);
        tasks.request_stop();
        tasks.finish(deadline).await
    }
}

pub(crate) struct ReceiverPart {
    pub id: ComponentId,
    pub print: Print,
    pub feeds: Vec<Feed>,
    pub tasks: Tasks,
    pub forwarders: Tasks,
}

/// Where its batches of one signal go.
pub(crate) struct Feed {
    pub signal: Signal,
    pub target: Target,
    /// The pipelines behind the target.
    pub pipelines: Vec<ComponentId>,
}

impl ReceiverPart {
    pub async fn start(
        new: New<Box<dyn Receiver>>,
        feeds: Vec<Feed>,
        telemetry: &Telemetry,
    ) -> Result<Self, StartError> {
        let span = span(&new.id, "receiver");
        let (mut tasks, mut forwarders, mut outlets) =
            (Tasks::of(span.clone()), Tasks::of(span.clone()), Outlets::default());
        for Feed { signal, target, .. } in &feeds {
            outlets.push(Way::new(target.edge(), &new.id.to_string(), *signal, telemetry, &mut forwarders));
        }
        let started = new.component.start(outlets, &mut tasks).instrument(span).await;
        started.map_err(|e| StartError(format!("cannot start receiver {}: {e}", new.id)))?;
        Ok(Self { id: new.id, print: new.print, feeds, tasks, forwarders })
    }

    /// Returns how many tasks had to be ended.
    pub async fn stop(mut self, deadline: Instant) -> usize {
        self.tasks.request_stop();
        let late = self.tasks.finish(deadline).await;
        self.forwarders.request_stop();
        late + self.forwarders.finish(deadline).await
    }
}
