//! The whole configuration, typed: tree to components and pipelines, all faults at once.

mod flow;
mod otlp_push;
mod processors;
mod readers;
mod references;
mod resource;
mod service;
mod spans;
mod telemetry;

use std::sync::Arc;

use config::{ComponentId, Decoder, Errors, Map, Node, Secrets, Value};
use indexmap::IndexMap;

use crate::Signal;
use crate::component::{
    Configured, ExporterConfig, ExporterFactory, Factory, ProcessorConfig, ProcessorFactory, ReceiverConfig,
    ReceiverFactory,
};
use crate::connector::{ConnectorConfig, ConnectorFactory};
use crate::extension::{ExtensionConfig, ExtensionFactory};
pub use otlp_push::{OtlpPush, Protocol};
pub use processors::{BatchProcessor, PushProcessor, PushTarget, SimpleProcessor};
pub use readers::{IncludeExclude, MetricPush, MetricTarget, Periodic, PrometheusReader, Reader, Temporality};
pub use resource::ResourceSettings;
pub use service::{PipelineSettings, ServiceSettings};
pub use spans::TraceSettings;
pub use telemetry::{Detail, Encoding, Level, LogSettings, MetricSettings, Sampling, TelemetrySettings};

/// The sections a configuration may have.
const SECTIONS: &[&str] = &["receivers", "processors", "exporters", "connectors", "extensions", "service"];

/// The component tables of this program.
#[derive(Clone, Copy)]
pub struct Tables {
    /// Where telemetry can come in.
    pub receivers: &'static [&'static ReceiverFactory],
    /// What can happen on the way.
    pub processors: &'static [&'static ProcessorFactory],
    /// Where it can go.
    pub exporters: &'static [&'static ExporterFactory],
    /// What can stand between pipelines.
    pub connectors: &'static [&'static ConnectorFactory],
    /// What can run beside.
    pub extensions: &'static [&'static ExtensionFactory],
}

/// One configured component: its settings and which signals its factory knows.
pub struct Component<C: ?Sized> {
    /// The typed settings.
    pub config: Arc<C>,
    /// The signals it can be used for.
    pub signals: &'static [Signal],
}

impl<C: ?Sized> Clone for Component<C> {
    fn clone(&self) -> Self {
        Self { config: self.config.clone(), signals: self.signals }
    }
}

/// Components of one kind by id.
pub type Section<C> = IndexMap<ComponentId, Component<C>>;

/// A whole configuration, decoded and checked. The components' settings are shared by clones.
#[derive(Clone, Default)]
pub struct Settings {
    /// `receivers`
    pub receivers: Section<dyn ReceiverConfig>,
    /// `processors`
    pub processors: Section<dyn ProcessorConfig>,
    /// `exporters`
    pub exporters: Section<dyn ExporterConfig>,
    /// `connectors`
    pub connectors: Section<dyn ConnectorConfig>,
    /// `extensions`
    pub extensions: Section<dyn ExtensionConfig>,
    /// `service`
    pub service: ServiceSettings,
}

impl Settings {
    /// Decodes and checks a merged and expanded tree.
    ///
    /// # Errors
    /// Every fault, with its path.
    pub fn decode(tree: &Node, tables: Tables) -> Result<Self, Errors> {
        let mut decoder = Decoder::default();
        if tree.is_null() || matches!(&tree.value, Value::Map(map) if map.is_empty()) {
            decoder.error("the configuration is empty");
        }
        // Only reports unknown sections; each section is read below.
        let _ = decoder.fields(tree, SECTIONS);
        let settings = Self {
            receivers: section(tree, "receivers", tables.receivers, &mut decoder),
            processors: section(tree, "processors", tables.processors, &mut decoder),
            exporters: section(tree, "exporters", tables.exporters, &mut decoder),
            connectors: section(tree, "connectors", tables.connectors, &mut decoder),
            extensions: section(tree, "extensions", tables.extensions, &mut decoder),
            service: decoder.at("service", |d| {
                config::Decode::decode(
                    tree.get("service").unwrap_or(&Node::of(Value::Null)),
                    ServiceSettings::default(),
                    d,
                )
            }),
        };
        settings.check(&mut decoder);
        let errors = decoder.finish();
        if errors.0.is_empty() { Ok(settings) } else { Err(errors) }
    }

    /// The pipelines that take this signal from this receiver or connector.
    pub(crate) fn pipelines_of(&self, receiver: &ComponentId, signal: Signal) -> Vec<ComponentId> {
        let takes = |p: &PipelineSettings| p.signal == signal && p.receivers.contains(receiver);
        self.service.pipelines.0.iter().filter(|(_, pipeline)| takes(pipeline)).map(|(id, _)| id.clone()).collect()
    }

    fn check(&self, decoder: &mut Decoder) {
        check_section(&self.receivers, "receivers", decoder);
        check_section(&self.processors, "processors", decoder);
        check_section(&self.exporters, "exporters", decoder);
        check_section(&self.connectors, "connectors", decoder);
        check_section(&self.extensions, "extensions", decoder);
        decoder.at("service", |decoder| {
            config::Decode::validate(&self.service, decoder);
            references::check(self, decoder);
            decoder.at("pipelines", |decoder| flow::check(self, decoder));
        });
    }

    /// The configuration with every default filled in.
    pub fn encode(&self, secrets: Secrets) -> Node {
        Node::map([
            ("receivers", encode_section(&self.receivers, |c| c.encode(secrets))),
            ("processors", encode_section(&self.processors, |c| c.encode(secrets))),
            ("exporters", encode_section(&self.exporters, |c| c.encode(secrets))),
            ("connectors", encode_section(&self.connectors, |c| c.encode(secrets))),
            ("extensions", encode_section(&self.extensions, |c| c.encode(secrets))),
            ("service", config::Decode::encode(&self.service, secrets)),
        ])
    }
}

fn section<C: ?Sized>(tree: &Node, name: &str, table: &[&'static Factory<C>], decoder: &mut Decoder) -> Section<C> {
    let mut found = Section::new();
    decoder.at(name, |decoder| match tree.get(name).map(|node| &node.value) {
        None | Some(Value::Null) => {}
        Some(Value::Map(map)) => read_components(map, table, &mut found, decoder),
        Some(_) => decoder.error("has to be a map of component ids"),
    });
    found
}

fn read_components<C: ?Sized>(map: &Map, table: &[&'static Factory<C>], found: &mut Section<C>, decoder: &mut Decoder) {
    for (key, node) in map {
        decoder.at(key, |decoder| {
            let id = match key.parse::<ComponentId>() {
                Ok(id) => id,
                Err(message) => return decoder.error(message),
            };
            let Some(factory) = table.iter().find(|factory| factory.answers_to(id.kind())) else {
                let known: Vec<_> = table.iter().map(|factory| factory.name).collect();
                return decoder.unknown("type", id.kind(), &known);
            };
            let config = Arc::from((factory.decode)(node, decoder));
            if found.insert(id, Component { config, signals: factory.signals }).is_some() {
                decoder.error("this id is given twice");
            }
        });
    }
}

fn check_section<C: Configured + ?Sized>(section: &Section<C>, name: &str, decoder: &mut Decoder) {
    decoder.at(name, |decoder| {
        for (id, component) in section {
            decoder.at(id.to_string(), |decoder| component.config.validate(decoder));
        }
    });
}

fn encode_section<C: ?Sized>(section: &Section<C>, encode: impl Fn(&C) -> Node) -> Node {
    let entries = section.iter().map(|(id, component)| (id.to_string(), encode(&component.config)));
    Node::of(Value::Map(entries.collect()))
}
