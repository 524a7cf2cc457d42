//! How connectors join pipelines: which stand behind which, and in what order they start and drain.

use std::collections::HashMap;

use config::{ComponentId, Decoder};

use super::{PipelineSettings, Settings};
use crate::Signal;

/// A way from a pipeline through a connector into another pipeline.
struct Join<'a> {
    connector: &'a ComponentId,
    from: Signal,
    into: &'a ComponentId,
    to: Signal,
}

impl Settings {
    /// How many connectors telemetry has passed at most when it comes into each pipeline: pipelines drain in this order
    /// and start in the opposite one.
    pub(crate) fn depths(&self) -> HashMap<ComponentId, usize> {
        let ids = self.service.pipelines.0.keys();
        ids.map(|id| (id.clone(), self.depth(id, &mut Vec::new()))).collect()
    }

    /// The signals that pipelines take from this connector when it is sent `from`.
    pub(crate) fn signals_behind(&self, connector: &ComponentId, from: Signal) -> Vec<Signal> {
        let Some(component) = self.connectors.get(connector).filter(|c| c.signals.contains(&from)) else {
            return Vec::new();
        };
        let gives = component.config.gives(from).iter().copied();
        gives.filter(|to| !self.pipelines_of(connector, *to).is_empty()).collect()
    }

    fn depth<'a>(&'a self, id: &'a ComponentId, seen: &mut Vec<&'a ComponentId>) -> usize {
        // A cycle has been reported as a fault.
        if seen.contains(&id) {
            return 0;
        }
        seen.push(id);
        let before = self.service.pipelines.0.iter();
        let before = before.filter(|(_, pipeline)| self.joins(pipeline).any(|join| join.into == id));
        let depth = before.map(|(before, _)| self.depth(before, seen) + 1).max().unwrap_or(0);
        seen.pop();
        depth
    }

    /// The pipelines right behind this one.
    fn joins<'a>(&'a self, pipeline: &'a PipelineSettings) -> impl Iterator<Item = Join<'a>> {
        let connectors = pipeline.exporters.iter().filter_map(|id| Some((id, self.connectors.get(id)?)));
        connectors.filter(|(_, component)| component.signals.contains(&pipeline.signal)).flat_map(
            move |(connector, component)| {
                let from = pipeline.signal;
                let gives = component.config.gives(from);
                let all = self.service.pipelines.0.iter();
                let behind = all.filter(move |(_, p)| gives.contains(&p.signal) && p.receivers.contains(connector));
                behind.map(move |(into, p)| Join { connector, from, into, to: p.signal })
            },
        )
    }

    /// The first way from this pipeline back to it.
    fn cycle<'a>(&'a self, to: &'a ComponentId, at: &'a ComponentId, way: &mut Vec<Join<'a>>) -> bool {
        let Some(pipeline) = self.service.pipelines.0.get(at) else { return false };
        for join in self.joins(pipeline) {
            let into = join.into;
            let is_new = way.iter().all(|passed| passed.into != into);
            way.push(join);
            if into == to || (is_new && self.cycle(to, into, way)) {
                return true;
            }
            way.pop();
        }
        false
    }
}

/// Reports to `decoder`, whose path is `service::pipelines`, what connectors cannot do.
pub(super) fn check(settings: &Settings, decoder: &mut Decoder) {
    for (id, pipeline) in &settings.service.pipelines.0 {
        decoder.at(id.to_string(), |decoder| one_sided(settings, id, pipeline, decoder));
    }
    for id in settings.service.pipelines.0.keys() {
        let mut way = Vec::new();
        if settings.cycle(id, id, &mut way) {
            let way: Vec<_> = way.iter().map(Join::to_string).collect();
            return decoder.error(format!("cycle detected: pipeline \"{id}\" -> {}", way.join(" -> ")));
        }
    }
}

/// A connector needs a pipeline on both sides.
fn one_sided(settings: &Settings, id: &ComponentId, pipeline: &PipelineSettings, decoder: &mut Decoder) {
    let known = |id: &&ComponentId| settings.connectors.contains_key(*id);
    for connector in pipeline.exporters.iter().filter(known) {
        if settings.signals_behind(connector, pipeline.signal).is_empty() {
            decoder.error(format!(
                "connector \"{connector}\" used as exporter in [{id}] pipeline but not used in any supported receiver pipeline"
            ));
        }
    }
    for connector in pipeline.receivers.iter().filter(known) {
        let feeds = |p: &PipelineSettings| settings.joins(p).any(|join| join.connector == connector && join.into == id);
        if !settings.service.pipelines.0.values().any(feeds) {
            decoder.error(format!(
                "connector \"{connector}\" used as receiver in [{id}] pipeline but not used in any supported exporter pipeline"
            ));
        }
    }
}

impl std::fmt::Display for Join<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "connector \"{}\" ({} to {}) -> pipeline \"{}\"", self.connector, self.from, self.to, self.into)
    }
}
