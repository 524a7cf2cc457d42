//! The running service: starts what is new, stops what is gone, leaves the rest alone.

mod connectors;
mod kept;
mod parts;
mod reload;
mod target;

use std::task::{Context, Poll};
use std::time::Duration;

use config::ComponentId;
use tokio::time::{Instant, timeout_at};

use crate::connector::Outputs;
use crate::graph::{Graph, New, NewPipeline};
use crate::health::HealthReport;
use crate::settings::Settings;
use crate::{Next, Signal, StartError, Stopped, Tasks, Telemetry};

pub(crate) use kept::Kept;
pub(crate) use parts::{ExporterPart, ExtensionPart, PipelinePart, ReceiverPart};
pub use reload::{ReloadError, Reloaded};

use connectors::ConnectorPart;
use parts::Feed;
use target::Target;

/// An exporter that was replaced gives up what it still holds after so long; retries end long before.
const RETIRED_AT_MOST: Duration = Duration::from_secs(24 * 3600);

/// The running service, part by part.
pub struct Running {
    settings: Settings,
    telemetry: Telemetry,
    health: HealthReport,
    pub(crate) extensions: Vec<ExtensionPart>,
    pub(crate) exporters: Vec<ExporterPart>,
    connectors: Vec<ConnectorPart>,
    pipelines: Vec<PipelinePart>,
    receivers: Vec<ReceiverPart>,
    /// Replaced exporters that still deliver what they held.
    retiring: Tasks,
}

impl Running {
    /// A service without parts.
    pub(crate) fn new(settings: Settings, telemetry: Telemetry) -> Self {
        Self {
            settings,
            telemetry,
            health: HealthReport::default(),
            extensions: Vec::new(),
            exporters: Vec::new(),
            connectors: Vec::new(),
            pipelines: Vec::new(),
            receivers: Vec::new(),
            retiring: Tasks::default(),
        }
    }

    pub(crate) async fn begin(graph: Graph) -> Result<Self, StartError> {
        let mut running = Self::new(graph.settings.clone(), graph.telemetry.clone());
        running.health.layout(&graph.settings.service);
        running.start(graph).await?;
        running.health.ready();
        Ok(running)
    }

    /// What it runs by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// From now on it runs by these.
    fn settle(&mut self, settings: &Settings) {
        self.settings = settings.clone();
        self.health.layout(&settings.service);
    }

    /// Waits until a task ends that should not have, and says which. Call it again: the rest keeps running.
    pub async fn fault(&mut self) -> String {
        let fault = std::future::poll_fn(|cx| self.poll_fault(cx)).await;
        self.report_faults();
        fault
    }

    /// Stops receivers first, then drains in flow order, extensions last, all within `limit`.
    pub async fn stop(mut self, limit: Duration) -> Stopped {
        let deadline = Instant::now() + limit;
        self.health.stopping();
        // First of all: what waits for its next attempt would hold up everything before it.
        self.exporters.iter().for_each(|exporter| exporter.retries.request());
        self.retiring.request_stop();
        let mut late = self.retire(&Kept::default(), Stay::Nothing, deadline).await;
        late += self.retiring.finish(deadline).await;
        if late == 0 { Stopped::Drained } else { Stopped::Late(late) }
    }

    /// Starts the parts of `graph` beside those that run, in the order that lets nothing get lost.
    async fn start(&mut self, graph: Graph) -> Result<(), StartError> {
        let Graph { settings, extensions, exporters, connectors, pipelines, receivers, telemetry, .. } = graph;
        for new in extensions {
            self.extensions.push(ExtensionPart::start(new, &self.health).await?);
        }
        let order = |part: &ExtensionPart| settings.service.extensions.0.iter().position(|id| *id == part.id);
        self.extensions.sort_by_key(order);
        for new in exporters {
            self.exporters.push(ExporterPart::start(new).await?);
        }
        self.connectors.extend(connectors.into_iter().map(ConnectorPart::new));
        for new in pipelines {
            let part = self.pipeline(new, &settings, &telemetry).await?;
            self.pipelines.push(part);
        }
        self.turn(&settings);
        for New { id, print, component } in receivers {
            let feeds = self.feeds(&settings, &id);
            self.receivers.push(ReceiverPart::start(New { id, print, component }, feeds, &telemetry).await?);
        }
        Ok(())
    }

    /// Starts a pipeline before those that run already.
    async fn pipeline(
        &mut self,
        new: NewPipeline,
        settings: &Settings,
        telemetry: &Telemetry,
    ) -> Result<PipelinePart, StartError> {
        let signal = new.settings.signal;
        let mut ends = Vec::new();
        for id in &new.settings.exporters {
            if let Some(exporter) = self.exporters.iter_mut().find(|part| part.id == *id) {
                ends.push(exporter.end(signal, telemetry).await?);
                continue;
            }
            let behind = settings.signals_behind(id, signal);
            let outputs = Outputs::new(behind.into_iter().map(|to| (to, self.behind(settings, id, to).1)));
            let connector = self.connectors.iter_mut().find(|part| part.id == *id);
            ends.extend(connector.map(|part| part.edge(signal, outputs)));
        }
        PipelinePart::start(new, Next::fan_out(ends), telemetry).await
    }

    /// Lets receivers that stayed go on to where they belong now.
    fn turn(&mut self, settings: &Settings) {
        let mut receivers = std::mem::take(&mut self.receivers);
        for receiver in &mut receivers {
            for feed in &mut receiver.feeds {
                let (pipelines, next) = self.behind(settings, &receiver.id, feed.signal);
                feed.target.turn(next);
                feed.pipelines = pipelines;
            }
        }
        self.receivers = receivers;
    }

    fn feeds(&self, settings: &Settings, receiver: &ComponentId) -> Vec<Feed> {
        let feed = |signal| {
            let (pipelines, next) = self.behind(settings, receiver, signal);
            Some(Feed { signal, target: Target::new(next), pipelines }).filter(|feed| !feed.pipelines.is_empty())
        };
        Signal::ALL.into_iter().filter_map(feed).collect()
    }

    /// The pipelines that take this signal from the receiver or connector, and the edge into them.
    fn behind(&self, settings: &Settings, receiver: &ComponentId, signal: Signal) -> (Vec<ComponentId>, Next) {
        let pipelines = settings.pipelines_of(receiver, signal);
        let entry = |id: &ComponentId| Some(self.pipelines.iter().find(|part| part.id == *id)?.entry.clone());
        let next = Next::fan_out(pipelines.iter().filter_map(entry).collect());
        (pipelines, next)
    }

    /// Stops what is not kept, in flow order. Returns how many tasks had to be ended.
    async fn retire(&mut self, kept: &Kept, stay: Stay, deadline: Instant) -> usize {
        let mut late = 0;
        let mut gone: Vec<_> = self.receivers.extract_if(.., |part| !kept.receivers.contains(&part.id)).collect();
        gone.iter_mut().for_each(|part| part.tasks.request_stop());
        for part in gone {
            late += part.stop(deadline).await;
        }
        let changed = |part: &ReceiverPart, feed: &Feed| !kept.feeds.contains(&(part.id.clone(), feed.signal));
        let held = self.receivers.iter().flat_map(|part| part.feeds.iter().filter(move |feed| changed(part, feed)));
        let held: Vec<_> = held.map(|feed| feed.target.clone()).collect();
        held.iter().for_each(Target::hold);
        for target in held {
            // What is still under way at the deadline goes its old way to the end.
            let _ = timeout_at(deadline, target.quiet()).await;
        }
        late += self.retire_pipelines(kept, deadline).await;
        late + self.retire_ends(kept, stay, deadline).await
    }

    /// What connectors hand over passes the pipelines behind them, so those drain later.
    async fn retire_pipelines(&mut self, kept: &Kept, deadline: Instant) -> usize {
        let mut late = 0;
        let depths = self.settings.depths();
        for depth in 0..=depths.values().copied().max().unwrap_or(0) {
            let gone =
                |part: &mut PipelinePart| !kept.pipelines.contains(&part.id) && depths.get(&part.id) == Some(&depth);
            let mut gone: Vec<_> = self.pipelines.extract_if(.., gone).collect();
            gone.iter_mut().for_each(|part| part.tasks.request_stop());
            for part in gone {
                late += part.stop(deadline).await;
            }
            let fed = |id: &ComponentId| self.pipelines.iter().any(|part| part.settings.exporters.contains(id));
            let gone = |part: &mut ConnectorPart| !kept.connectors.contains(&part.id) && !fed(&part.id);
            for part in self.connectors.extract_if(.., gone) {
                late += part.stop(deadline).await;
            }
        }
        late
    }

    async fn retire_ends(&mut self, kept: &Kept, stay: Stay, deadline: Instant) -> usize {
        let mut late = 0;
        let gone = self.exporters.extract_if(.., |part| !kept.exporters.contains(&part.id));
        let (leaving, mut gone): (Vec<_>, Vec<_>) = gone.partition(|part| stay == Stay::Exporters && part.can_retire());
        for part in leaving {
            let stop = self.retiring.stop();
            self.retiring.spawn(format!("the replaced exporter {}", part.id), part.retire(stop));
        }
        gone.iter_mut().for_each(ExporterPart::request_stop);
        for part in gone {
            late += part.stop(deadline).await;
        }
        let gone: Vec<_> = self.extensions.extract_if(.., |part| !kept.extensions.contains(&part.id)).collect();
        for part in gone.into_iter().rev() {
            late += part.stop(deadline).await;
        }
        late
    }

    fn poll_fault(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        for tasks in self.stages() {
            if let Poll::Ready(fault) = tasks.poll_fault(cx) {
                return Poll::Ready(fault);
            }
        }
        self.retiring.poll_panic(cx)
    }

    /// All tasks in flow order: a dead receiver also ends its forwarder, and the cause is to be named first.
    fn stages(&mut self) -> impl Iterator<Item = &mut Tasks> {
        let (tasks, forwarders): (Vec<_>, Vec<_>) =
            self.receivers.iter_mut().map(|part| (&mut part.tasks, &mut part.forwarders)).unzip();
        let (consumers, exporters): (Vec<_>, Vec<_>) =
            self.exporters.iter_mut().map(|part| (&mut part.consumers, &mut part.tasks)).unzip();
        let connectors = self.connectors.iter_mut().map(|part| &mut part.tasks);
        let pipelines = self.pipelines.iter_mut().map(|part| &mut part.tasks).chain(connectors);
        let extensions = self.extensions.iter_mut().map(|part| &mut part.tasks);
        tasks.into_iter().chain(forwarders).chain(pipelines).chain(consumers).chain(exporters).chain(extensions)
    }

    fn report_faults(&mut self) {
        let faults = self.stages().flat_map(|tasks| tasks.faults().to_vec()).collect();
        self.health.faults(faults);
    }
}

/// What may go on beside the rest when it is no longer part of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    /// The whole service stops.
    Nothing,
    /// Exporters whose queues are not empty yet.
    Exporters,
}
