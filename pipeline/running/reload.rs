//! From one configuration to the next without a gap.
//!
//! What is the same goes on. Receivers that stay are held for a moment, so that their batches wait, while what stood
//! behind them is drained and replaced. An exporter that reaches a network starts beside the one it replaces, and that one
//! delivers what it still holds; one that owns a port or a file has to stop first. When something new cannot start,
//! everything goes back.

use std::time::Duration;

use config::ComponentId;
use tokio::time::Instant;

use super::{ExporterPart, Kept, Running, Stay};
use crate::graph::Graph;
use crate::settings::Settings;
use crate::{BuildError, StartError};

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// What stopped, for good or to be started anew, by section and id.
    pub stopped: Vec<String>,
    /// What started.
    pub started: Vec<String>,
}

impl Reloaded {
    /// Whether nothing had to change.
    pub fn is_empty(&self) -> bool {
        self.stopped.is_empty() && self.started.is_empty()
    }
}

/// Why a reload changed nothing, or worse.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Nothing was touched.
    #[error("failed to build pipelines: {0}")]
    Build(#[from] BuildError),
    /// The service runs as before; parts of it were restarted.
    #[error("cannot start pipelines: {0}")]
    Start(StartError),
    /// The service does not run any more: what was there could not be started again.
    #[error("cannot start pipelines: {new}; and the former ones cannot be started again: {former}")]
    Down {
        /// Why the new configuration could not start.
        new: StartError,
        /// Why the former one could not.
        former: String,
    },
}

impl Running {
    /// Goes over to `settings`; what has to stop gets `limit` to drain.
    ///
    /// # Errors
    /// When that is not possible. The service runs as before, but for [`ReloadError::Down`].
    pub async fn reload(&mut self, settings: &Settings, limit: Duration) -> Result<Reloaded, ReloadError> {
        let graph = self.plan(settings)?;
        let reloaded = self.differences(&graph);
        if reloaded.is_empty() {
            self.settle(settings);
            return Ok(reloaded);
        }
        let Err(new) = self.change(graph, limit).await else {
            self.settle(settings);
            self.report_faults();
            return Ok(reloaded);
        };
        let former = self.settings.clone();
        let back = match self.plan(&former) {
            Ok(graph) => self.change(graph, limit).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        self.report_faults();
        Err(match back {
            Ok(()) => ReloadError::Start(new),
            Err(former) => ReloadError::Down { new, former },
        })
    }

    fn plan(&self, settings: &Settings) -> Result<Graph, BuildError> {
        Graph::build_beside(settings, &self.telemetry, Kept::of(self, settings))
    }

    async fn change(&mut self, mut graph: Graph, limit: Duration) -> Result<(), StartError> {
        let deadline = Instant::now() + limit;
        let beside = start_beside(&mut graph).await?;
        let late = self.retire(&graph.kept, Stay::Exporters, deadline).await;
        if late > 0 {
            tracing::error!(
                tasks = late,
                "shutdown_timeout is over: what these tasks held is lost, unless a storage keeps it"
            );
        }
        self.exporters.extend(beside);
        self.start(graph).await
    }

    fn differences(&self, graph: &Graph) -> Reloaded {
        let name = |section: &str, id: &ComponentId| format!("{section}::{id}");
        let kept = &graph.kept;
        let gone = |id: &&ComponentId, kept: &std::collections::HashSet<ComponentId>| !kept.contains(*id);
        let mut stopped = Vec::new();
        let extensions = self.extensions.iter().map(|part| &part.id).filter(|id| gone(id, &kept.extensions));
        stopped.extend(extensions.map(|id| name("extensions", id)));
        let exporters = self.exporters.iter().map(|part| &part.id).filter(|id| gone(id, &kept.exporters));
        stopped.extend(exporters.map(|id| name("exporters", id)));
        let connectors = self.connectors.iter().map(|part| &part.id).filter(|id| gone(id, &kept.connectors));
        stopped.extend(connectors.map(|id| name("connectors", id)));
        let pipelines = self.pipelines.iter().map(|part| &part.id).filter(|id| gone(id, &kept.pipelines));
        stopped.extend(pipelines.map(|id| name("pipelines", id)));
        let receivers = self.receivers.iter().map(|part| &part.id).filter(|id| gone(id, &kept.receivers));
        stopped.extend(receivers.map(|id| name("receivers", id)));
        let mut started = Vec::new();
        started.extend(graph.extensions.iter().map(|new| name("extensions", &new.id)));
        started.extend(graph.exporters.iter().map(|new| name("exporters", &new.id)));
        started.extend(graph.connectors.iter().map(|new| name("connectors", &new.id)));
        started.extend(graph.pipelines.iter().map(|new| name("pipelines", &new.id)));
        started.extend(graph.receivers.iter().map(|new| name("receivers", &new.id)));
        Reloaded { stopped, started }
    }
}

/// Starts the new exporters that can stand beside what is still there.
async fn start_beside(graph: &mut Graph) -> Result<Vec<ExporterPart>, StartError> {
    let beside = graph
        .exporters
        .extract_if(.., |exporter| exporter.component.is_networked() && exporter.print.extensions.all_asked(|_| false));
    let mut started = Vec::new();
    for exporter in beside.collect::<Vec<_>>() {
        started.push(ExporterPart::start(exporter).await?);
    }
    Ok(started)
}
