//! What of a running service is still as new settings want it.

use std::collections::HashSet;

use config::{ComponentId, Secrets};

use super::connectors::ConnectorPart;
use super::{ExporterPart, PipelinePart, ReceiverPart, Running};
use crate::component::Configured;
use crate::extension::Extensions;
use crate::graph::Print;
use crate::settings::{Section, Settings};
use crate::{Signal, Tasks};

/// The parts that stay. The default is none.
#[derive(Default)]
pub(crate) struct Kept {
    pub extensions: HashSet<ComponentId>,
    pub exporters: HashSet<ComponentId>,
    pub connectors: HashSet<ComponentId>,
    pub pipelines: HashSet<ComponentId>,
    pub receivers: HashSet<ComponentId>,
    /// Receivers' edges behind which nothing changes.
    pub feeds: HashSet<(ComponentId, Signal)>,
    /// The extensions that new components can ask for.
    pub lookup: Extensions,
}

impl Kept {
    /// Compares what runs with `settings`. A part stays when its own settings are the same, it has no fault and
    /// everything behind it stays.
    pub fn of(running: &Running, settings: &Settings) -> Self {
        let mut kept = Self::default();
        for part in &running.extensions {
            let wanted = settings.service.extensions.0.contains(&part.id);
            if wanted && kept.is_same(&part.id, &part.print, &settings.extensions, &[&part.tasks]) {
                kept.extensions.insert(part.id.clone());
                kept.lookup = kept.lookup.with(part.id.clone(), part.extension.clone());
            }
        }
        kept.exporters = ids(&running.exporters, |part| kept.exporter(part, settings), |part| &part.id);
        kept.pipelines(running, settings);
        kept.receivers = ids(&running.receivers, |part| kept.receiver(part, settings), |part| &part.id);
        for part in running.receivers.iter().filter(|part| kept.receivers.contains(&part.id)) {
            let same = part.feeds.iter().filter(|feed| {
                feed.pipelines == settings.pipelines_of(&part.id, feed.signal)
                    && feed.pipelines.iter().all(|id| kept.pipelines.contains(id))
            });
            kept.feeds.extend(same.map(|feed| (part.id.clone(), feed.signal)));
        }
        kept
    }

    fn exporter(&self, part: &ExporterPart, settings: &Settings) -> bool {
        let wanted = settings.service.pipelines.0.values().any(|pipeline| pipeline.exporters.contains(&part.id));
        wanted && self.is_same(&part.id, &part.print, &settings.exporters, &[&part.tasks, &part.consumers])
    }

    /// From the last to the first: what stands before a connector stays only if the connector does, and that only if
    /// what stands behind it does.
    fn pipelines(&mut self, running: &Running, settings: &Settings) {
        let depths = running.settings.depths();
        let mut parts: Vec<_> = running.pipelines.iter().collect();
        parts.sort_by_key(|part| std::cmp::Reverse(depths.get(&part.id).copied()));
        for part in parts {
            let connectors = running.connectors.iter().filter(|known| part.settings.exporters.contains(&known.id));
            let stay: Vec<_> = connectors.filter(|part| self.connector(part, running, settings)).collect();
            self.connectors.extend(stay.into_iter().map(|part| part.id.clone()));
            if self.pipeline(part, settings) {
                self.pipelines.insert(part.id.clone());
            }
        }
    }

    fn connector(&self, part: &ConnectorPart, running: &Running, settings: &Settings) -> bool {
        let same_behind = Signal::ALL.into_iter().all(|to| {
            let behind = settings.pipelines_of(&part.id, to);
            behind == running.settings.pipelines_of(&part.id, to) && behind.iter().all(|id| self.pipelines.contains(id))
        });
        let wanted = settings.service.pipelines.0.values().any(|pipeline| pipeline.exporters.contains(&part.id));
        wanted && same_behind && self.is_same(&part.id, &part.print, &settings.connectors, &[&part.tasks])
    }

    fn pipeline(&self, part: &PipelinePart, settings: &Settings) -> bool {
        let Some(wanted) = settings.service.pipelines.0.get(&part.id) else { return false };
        let same = |(id, print)| self.is_same(id, print, &settings.processors, &[&part.tasks]);
        wanted.processors == part.settings.processors
            && wanted.exporters == part.settings.exporters
            && wanted.processors.iter().zip(&part.prints).all(same)
            && wanted.exporters.iter().all(|id| self.exporters.contains(id) || self.connectors.contains(id))
    }

    fn receiver(&self, part: &ReceiverPart, settings: &Settings) -> bool {
        let same_signals = Signal::ALL.into_iter().all(|signal| {
            part.feeds.iter().any(|feed| feed.signal == signal) != settings.pipelines_of(&part.id, signal).is_empty()
        });
        same_signals && self.is_same(&part.id, &part.print, &settings.receivers, &[&part.tasks, &part.forwarders])
    }

    fn is_same<C: Configured + ?Sized>(
        &self,
        id: &ComponentId,
        print: &Print,
        section: &Section<C>,
        tasks: &[&Tasks],
    ) -> bool {
        let same = |settings| settings == print.settings;
        section.get(id).is_some_and(|component| same(component.config.encode(Secrets::Revealed)))
            && print.extensions.all_asked(|id| self.extensions.contains(id))
            && tasks.iter().all(|tasks| tasks.faults().is_empty())
    }
}

fn ids<P>(parts: &[P], stays: impl Fn(&P) -> bool, id: impl Fn(&P) -> &ComponentId) -> HashSet<ComponentId> {
    parts.iter().filter(|part| stays(part)).map(|part| id(part).clone()).collect()
}

impl ExporterPart {
    /// Whether it can go on beside its successor until its queues are empty: not when what it holds is kept by an
    /// extension, where the successor finds it.
    pub fn can_retire(&self) -> bool {
        self.built.is_networked() && self.print.extensions.all_asked(|_| false)
    }
}
