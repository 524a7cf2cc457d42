//! Settings to a graph of components, and its start.

use std::collections::HashMap;
use std::sync::Arc;

use config::ComponentId;
use opentelemetry::KeyValue;

use crate::component::{BuildContext, Exporter, Processor, Receiver, Transform, Verdict};
use crate::delivery::{Delivery, Place, Stacks};
use crate::extension::Extensions;
use crate::health::HealthReport;
use crate::lifecycle::{Running, StartError, StopSwitch, Tasks};
use crate::outlet::{Outlet, Outlets};
use crate::settings::{PipelineSettings, Settings};
use crate::{ItemCounter, Next, Signal, Telemetry};

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

/// Built components that have not opened anything yet.
pub struct Graph {
    exporters: HashMap<ComponentId, Built>,
    receivers: Vec<(ComponentId, Box<dyn Receiver>)>,
    pipelines: Vec<Pipeline>,
    extensions: Extensions,
    telemetry: Telemetry,
}

struct Built {
    exporter: Arc<dyn Exporter>,
    delivery: Delivery,
}

struct Pipeline {
    settings: PipelineSettings,
    processors: Vec<(ComponentId, Processor)>,
}

impl Graph {
    /// Builds every component that some pipeline uses. Opens nothing.
    ///
    /// # Errors
    /// What the first component that cannot be built says.
    pub fn build(settings: &Settings, telemetry: &Telemetry) -> Result<Self, BuildError> {
        let extensions = extensions(settings, telemetry)?;
        let cx = |id: &ComponentId| BuildContext {
            id: id.clone(),
            telemetry: telemetry.clone(),
            extensions: extensions.clone(),
        };
        let mut graph = Self {
            exporters: HashMap::new(),
            receivers: Vec::new(),
            pipelines: Vec::new(),
            extensions: extensions.clone(),
            telemetry: telemetry.clone(),
        };
        for pipeline in settings.service.pipelines.0.values() {
            for id in &pipeline.exporters {
                if let Some(component) = settings.exporters.get(id).filter(|_| !graph.exporters.contains_key(id)) {
                    let exporter = component.config.build(cx(id))?;
                    graph.exporters.insert(id.clone(), Built { exporter, delivery: component.config.delivery() });
                }
            }
            for id in &pipeline.receivers {
                let built = graph.receivers.iter().any(|(built, _)| built == id);
                if let Some(component) = settings.receivers.get(id).filter(|_| !built) {
                    graph.receivers.push((id.clone(), component.config.build(cx(id))?));
                }
            }
            let mut processors = Vec::new();
            for id in &pipeline.processors {
                if let Some(component) = settings.processors.get(id) {
                    processors.push((id.clone(), component.config.build(cx(id))?));
                }
            }
            graph.pipelines.push(Pipeline { settings: pipeline.clone(), processors });
        }
        Ok(graph)
    }

    /// Starts extensions and exporters first and receivers last.
    ///
    /// # Errors
    /// What could not be opened, by component. What was started before is dropped, which closes it.
    pub async fn start(self) -> Result<Running, StartError> {
        let telemetry = self.telemetry.clone();
        let (health, mut extension_tasks) = (HealthReport::default(), Tasks::default());
        for (id, extension) in self.extensions.iter() {
            let failed = |e: StartError| StartError(format!("cannot start extension {id}: {e}"));
            extension.start(health.watch(), &mut extension_tasks).await.map_err(failed)?;
        }
        let (mut receivers, mut forwarders) = (Tasks::default(), Tasks::default());
        let (mut processors, mut exporter_tasks) = (Tasks::default(), Tasks::default());
        for (id, Built { exporter, .. }) in &self.exporters {
            let failed = |e: StartError| StartError(format!("cannot start exporter {id}: {e}"));
            exporter.start(&mut exporter_tasks).await.map_err(failed)?;
        }
        let (mut consumers, retries, mut lost) = (Tasks::default(), StopSwitch::default(), Vec::new());
        let ends = self.ends(&mut Stacks { consumers: &mut consumers, stopping: retries.stop(), lost: &mut lost });
        let mut entries: HashMap<(ComponentId, Signal), Vec<Next>> = HashMap::new();
        for pipeline in self.pipelines {
            let signal = pipeline.settings.signal;
            let receivers = pipeline.settings.receivers.clone();
            let entry = pipeline.connect(&ends, &telemetry, &mut processors);
            for id in receivers {
                entries.entry((id, signal)).or_default().push(entry.clone());
            }
        }
        for (id, receiver) in self.receivers {
            let mut outlets = Outlets::default();
            for signal in Signal::ALL {
                if let Some(next) = entries.remove(&(id.clone(), signal)).map(Next::fan_out) {
                    let outlet = Outlet::new(next, &id.to_string(), signal, &telemetry, &mut forwarders);
                    outlets.push(signal, outlet);
                }
            }
            let failed = |e: StartError| StartError(format!("cannot start receiver {id}: {e}"));
            receiver.start(outlets, &mut receivers).await.map_err(failed)?;
        }
        let exporters = self.exporters.into_values().map(|built| built.exporter).collect();
        health.ready();
        Ok(Running {
            receivers,
            forwarders,
            processors,
            consumers,
            retries,
            lost,
            exporter_tasks,
            exporters,
            extension_tasks,
            extensions: self.extensions,
            health,
        })
    }

    /// The edges into the exporters: one for each signal, so that pipelines share an exporter's queue.
    fn ends(&self, stacks: &mut Stacks<'_>) -> Ends {
        let mut ends = Ends::new();
        for pipeline in &self.pipelines {
            let signal = pipeline.settings.signal;
            for id in &pipeline.settings.exporters {
                if let Some(built) = self.exporters.get(id) {
                    let place = Place { id: &id.to_string(), signal, telemetry: &self.telemetry };
                    let build = || stacks.build(built.exporter.clone(), &built.delivery, place);
                    ends.entry((id.clone(), signal)).or_insert_with(build);
                }
            }
        }
        ends
    }
}

/// The extensions that run, built in order.
fn extensions(settings: &Settings, telemetry: &Telemetry) -> Result<Extensions, BuildError> {
    let mut built = Extensions::default();
    for id in &settings.service.extensions.0 {
        // Named twice, it runs once.
        if let Some(component) = settings.extensions.get(id).filter(|_| built.get(id).is_err()) {
            let cx = BuildContext { id: id.clone(), telemetry: telemetry.clone(), extensions: built.clone() };
            built = built.with(id.clone(), component.config.build(cx)?);
        }
    }
    Ok(built)
}

/// The edges into the exporters.
type Ends = HashMap<(ComponentId, Signal), Next>;

impl Pipeline {
    /// The edge into its first processor.
    fn connect(self, ends: &Ends, telemetry: &Telemetry, tasks: &mut Tasks) -> Next {
        let signal = self.settings.signal;
        let own = self.settings.exporters.iter().filter_map(|id| ends.get(&(id.clone(), signal)).cloned());
        let end = Next::fan_out(own.collect());
        self.processors.into_iter().rev().fold(end, |next, (id, processor)| match processor {
            Processor::Transform(transform) => through(transform, next, Counts::new(&id, signal, telemetry)),
            Processor::Wrap(wrap) => wrap(next, tasks),
        })
    }
}

#[derive(Clone)]
struct Counts {
    incoming: ItemCounter,
    outgoing: ItemCounter,
}

impl Counts {
    fn new(id: &ComponentId, signal: Signal, telemetry: &Telemetry) -> Self {
        let labels = vec![KeyValue::new("processor", id.to_string()), KeyValue::new("otel_signal", signal.name())];
        Self {
            incoming: telemetry.items(
                "otelcol_processor_incoming_items".into(),
                "Number of items passed to the processor.",
                labels.clone(),
            ),
            outgoing: telemetry.items(
                "otelcol_processor_outgoing_items".into(),
                "Number of items emitted from the processor.",
                labels,
            ),
        }
    }
}

/// An edge through a synchronous processor.
fn through(transform: Arc<dyn Transform>, next: Next, counts: Counts) -> Next {
    Next::from_fn(move |batch| {
        counts.incoming.add(batch.items());
        let verdict = transform.apply(batch);
        let (next, outgoing) = (next.clone(), counts.outgoing.clone());
        async move {
            match verdict {
                Verdict::Pass(batch) => {
                    outgoing.add(batch.items());
                    next.send(batch).await
                }
                Verdict::Empty => Ok(()),
                Verdict::Reject(rejected) => Err(rejected),
            }
        }
    })
}
