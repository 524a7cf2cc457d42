//! How the service is doing, for whoever is asked from outside.

use std::collections::HashSet;
use std::time::{Instant, SystemTime};

use config::ComponentId;
use tokio::sync::watch;

use crate::settings::{PipelineSettings, ServiceSettings};

/// Where the service is in its life, and what has stopped working in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Where it is in its life.
    pub phase: Phase,
    /// Tasks that ended although nobody told them to, with the reason, oldest first.
    pub faults: Vec<String>,
    /// What it is made of.
    pub layout: Layout,
}

/// The extensions and pipelines that run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Extensions, in the order in which they were started.
    pub extensions: Vec<ComponentId>,
    /// Pipelines, as written.
    pub pipelines: Vec<(ComponentId, PipelineSettings)>,
}

/// Where the service is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not all components have started.
    #[default]
    Starting,
    /// Every component has started.
    Ready {
        /// The wall clock at that moment.
        since: SystemTime,
        /// The same moment, for durations.
        at: Instant,
    },
    /// The stop has begun; nothing is accepted any more.
    Stopping,
}

impl Health {
    /// Whether everything that was started works.
    pub fn is_good(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. }) && self.faults.is_empty()
    }
}

/// The one who knows the health and tells the others.
#[derive(Debug, Default)]
pub(crate) struct HealthReport(watch::Sender<Health>);

impl HealthReport {
    pub fn watch(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }

    pub fn layout(&self, service: &ServiceSettings) {
        let pipelines = service.pipelines.0.iter().map(|(id, pipeline)| (id.clone(), pipeline.clone())).collect();
        let mut extensions = service.extensions.0.clone();
        let mut seen = HashSet::new();
        extensions.retain(|id| seen.insert(id.clone()));
        self.0.send_modify(|health| health.layout = Layout { extensions, pipelines });
    }

    pub fn ready(&self) {
        self.0.send_modify(|health| health.phase = Phase::Ready { since: SystemTime::now(), at: Instant::now() });
    }

    pub fn stopping(&self) {
        self.0.send_modify(|health| health.phase = Phase::Stopping);
    }

    pub fn faults(&self, faults: Vec<String>) {
        self.0.send_modify(|health| health.faults = faults);
    }
}
