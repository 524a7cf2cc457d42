//! Settings to components that have not opened anything yet.

mod through;

use std::collections::VecDeque;
use std::sync::Arc;

use config::{ComponentId, Node, Secrets};

use crate::component::{BuildContext, Configured, Exporter, Processor, Receiver};
use crate::connector::Connector;
use crate::delivery::Delivery;
use crate::extension::{Extension, Extensions};
use crate::running::{Kept, Running};
use crate::settings::{Component, PipelineSettings, Section, Settings};
use crate::storage::Storages;
use crate::{StartError, Telemetry};

pub(crate) use through::chain;

/// What only building a component can find out, with the component's place.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub struct BuildError {
    /// Where in the configuration.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl BuildError {
    /// An error of the component `cx` belongs to.
    pub fn of(cx: &BuildContext, message: impl Into<String>) -> Self {
        Self { place: cx.id.to_string(), message: message.into() }
    }
}

/// Built components that have not opened anything yet, and what of a running service stays as it is.
pub struct Graph {
    pub(crate) settings: Settings,
    pub(crate) kept: Kept,
    pub(crate) extensions: Vec<New<Arc<dyn Extension>>>,
    pub(crate) exporters: Vec<New<Built>>,
    pub(crate) connectors: Vec<New<Arc<dyn Connector>>>,
    pub(crate) pipelines: Vec<NewPipeline>,
    pub(crate) receivers: Vec<New<Box<dyn Receiver>>>,
    pub(crate) telemetry: Telemetry,
}

/// A component that is to be started.
pub(crate) struct New<T> {
    pub id: ComponentId,
    pub print: Print,
    pub component: T,
}

/// An exporter and the stages that belong before it.
pub(crate) struct Built {
    pub exporter: Arc<dyn Exporter>,
    pub delivery: Delivery,
    /// Where its queues are kept, if not in memory.
    pub storages: Option<Arc<dyn Storages>>,
}

impl Built {
    /// Whether it can stand beside another with the same settings: it reaches a network, and has no port or file of
    /// its own.
    pub fn is_networked(&self) -> bool {
        self.delivery.retry.is_some() || self.delivery.timeout.is_some()
    }
}

/// A pipeline that is to be connected.
pub(crate) struct NewPipeline {
    pub id: ComponentId,
    pub settings: PipelineSettings,
    pub processors: Vec<(ComponentId, Processor)>,
    pub prints: Vec<Print>,
}

/// What a component was made of: tells whether it still is what the settings say.
#[derive(Clone, Debug)]
pub(crate) struct Print {
    pub settings: Node,
    /// The extensions that it may have asked for.
    pub extensions: Extensions,
}

impl Graph {
    /// Builds every component that some pipeline uses. Opens nothing.
    ///
    /// # Errors
    /// What the first component that cannot be built says.
    pub fn build(settings: &Settings, telemetry: &Telemetry) -> Result<Self, BuildError> {
        Self::build_beside(settings, telemetry, Kept::default())
    }

    /// Starts extensions and exporters first and receivers last.
    ///
    /// # Errors
    /// What could not be opened, by component. What was started before is dropped, which closes it.
    pub async fn start(self) -> Result<Running, StartError> {
        Running::begin(self).await
    }

    /// Builds what is not kept.
    pub(crate) fn build_beside(settings: &Settings, telemetry: &Telemetry, mut kept: Kept) -> Result<Self, BuildError> {
        let extensions = build_extensions(settings, telemetry, &mut kept)?;
        let builder = Builder { settings, telemetry, kept: &kept };
        let (exporters, connectors) = (builder.exporters()?, builder.connectors()?);
        let (pipelines, receivers) = (builder.pipelines()?, builder.receivers()?);
        let (settings, telemetry) = (settings.clone(), telemetry.clone());
        Ok(Self { settings, kept, extensions, exporters, connectors, pipelines, receivers, telemetry })
    }
}

/// Builds them in their order, but one that asks for another after it.
fn build_extensions(
    settings: &Settings,
    telemetry: &Telemetry,
    kept: &mut Kept,
) -> Result<Vec<New<Arc<dyn Extension>>>, BuildError> {
    let mut waiting: VecDeque<_> = settings.service.extensions.0.iter().collect();
    let (mut extensions, mut in_vain) = (Vec::new(), 0);
    while let Some(id) = waiting.pop_front() {
        // Named twice, it runs once.
        let Some(component) = settings.extensions.get(id).filter(|_| !kept.lookup.has(id)) else { continue };
        let cx = context(id, telemetry, &kept.lookup);
        let print = Print::of(component, &cx);
        match component.config.build(cx) {
            Ok(built) => {
                kept.lookup = kept.lookup.with(id.clone(), built.clone());
                extensions.push(New { id: id.clone(), print, component: built });
                in_vain = 0;
            }
            Err(_) if in_vain < waiting.len() => {
                waiting.push_back(id);
                in_vain += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(extensions)
}

impl Print {
    fn of<C: Configured + ?Sized>(component: &Component<C>, cx: &BuildContext) -> Self {
        Self { settings: component.config.encode(Secrets::Revealed), extensions: cx.extensions.clone() }
    }
}

fn context(id: &ComponentId, telemetry: &Telemetry, extensions: &Extensions) -> BuildContext {
    let extensions = extensions.for_one_component();
    BuildContext { extensions, ..BuildContext::new(id.clone(), telemetry.clone()) }
}

struct Builder<'a> {
    settings: &'a Settings,
    telemetry: &'a Telemetry,
    kept: &'a Kept,
}

impl Builder<'_> {
    fn context(&self, id: &ComponentId) -> BuildContext {
        context(id, self.telemetry, &self.kept.lookup)
    }

    fn exporters(&self) -> Result<Vec<New<Built>>, BuildError> {
        let ids = self.settings.service.pipelines.0.values().flat_map(|pipeline| &pipeline.exporters);
        let build = |(id, component): (&ComponentId, &Component<dyn crate::component::ExporterConfig>)| {
            let cx = self.context(id);
            let print = Print::of(component, &cx);
            let delivery = component.config.delivery();
            let storages = delivery.storages(&cx)?;
            let component = Built { exporter: component.config.build(cx)?, delivery, storages };
            Ok(New { id: id.clone(), print, component })
        };
        wanted(ids, &self.settings.exporters, |id| self.kept.exporters.contains(id)).map(build).collect()
    }

    fn connectors(&self) -> Result<Vec<New<Arc<dyn Connector>>>, BuildError> {
        let ids = self.settings.service.pipelines.0.values().flat_map(|pipeline| &pipeline.exporters);
        let build = |(id, component): (&ComponentId, &Component<dyn crate::connector::ConnectorConfig>)| {
            let cx = self.context(id);
            let print = Print::of(component, &cx);
            Ok(New { id: id.clone(), print, component: component.config.build(cx)? })
        };
        wanted(ids, &self.settings.connectors, |id| self.kept.connectors.contains(id)).map(build).collect()
    }

    fn receivers(&self) -> Result<Vec<New<Box<dyn Receiver>>>, BuildError> {
        let ids = self.settings.service.pipelines.0.values().flat_map(|pipeline| &pipeline.receivers);
        let build = |(id, component): (&ComponentId, &Component<dyn crate::component::ReceiverConfig>)| {
            let cx = self.context(id);
            let print = Print::of(component, &cx);
            Ok(New { id: id.clone(), print, component: component.config.build(cx)? })
        };
        wanted(ids, &self.settings.receivers, |id| self.kept.receivers.contains(id)).map(build).collect()
    }

    fn pipelines(&self) -> Result<Vec<NewPipeline>, BuildError> {
        let all = self.settings.service.pipelines.0.iter();
        let wanted = all.filter(|(id, _)| !self.kept.pipelines.contains(*id));
        let mut pipelines: Vec<_> = wanted.map(|(id, p)| self.pipeline(id, p)).collect::<Result<_, _>>()?;
        // What stands behind a connector has to be there before what stands before it.
        let depths = self.settings.depths();
        pipelines.sort_by_key(|pipeline| std::cmp::Reverse(depths.get(&pipeline.id).copied()));
        Ok(pipelines)
    }

    fn pipeline(&self, id: &ComponentId, settings: &PipelineSettings) -> Result<NewPipeline, BuildError> {
        let (mut processors, mut prints) = (Vec::new(), Vec::new());
        for (id, component) in settings.processors.iter().filter_map(|id| Some((id, self.settings.processors.get(id)?)))
        {
            let cx = self.context(id).in_pipeline(settings.signal);
            prints.push(Print::of(component, &cx));
            processors.push((id.clone(), component.config.build(cx)?));
        }
        Ok(NewPipeline { id: id.clone(), settings: settings.clone(), processors, prints })
    }
}

/// Each component that `ids` name, once, in their order, without those that are there already.
fn wanted<'a, C: ?Sized>(
    ids: impl Iterator<Item = &'a ComponentId>,
    section: &'a Section<C>,
    is_there: impl Fn(&ComponentId) -> bool,
) -> impl Iterator<Item = (&'a ComponentId, &'a Component<C>)> {
    let mut seen = std::collections::HashSet::new();
    ids.filter(move |id| !is_there(id) && seen.insert(*id)).filter_map(|id| Some((id, section.get(id)?)))
}
