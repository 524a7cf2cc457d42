//! The `service` section.

use std::time::Duration;

use config::{ComponentId, Decode, Decoder, Node, Rules, Secrets, Value};
use indexmap::IndexMap;

use super::telemetry::TelemetrySettings;
use crate::Signal;

config::settings! {
    /// What runs, and what it says of itself.
    pub struct ServiceSettings {
        /// Extensions that run, in this order.
        pub extensions: Ids = Ids::default(),
        /// Pipelines by `signal[/name]`.
        pub pipelines: Pipelines = Pipelines::default(),
        /// Own logs and metrics.
        pub telemetry: TelemetrySettings = TelemetrySettings::default(),
        /// How long a stop may take until what is left is given up and counted as lost.
        pub shutdown_timeout: Duration = Duration::from_secs(30),
    }
}

impl Rules for ServiceSettings {
    fn rules(&self, decoder: &mut Decoder) {
        if self.pipelines.0.is_empty() && !config::gates::NO_PIPELINES.is_on() {
            decoder.at("pipelines", |d| d.error("service must have at least one pipeline"));
        }
    }
}

/// A list of component ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ids(pub Vec<ComponentId>);

impl Decode for Ids {
    fn decode(node: &Node, _: Self, decoder: &mut Decoder) -> Self {
        Self(ids(Some(node), decoder))
    }

    fn encode(&self, secrets: Secrets) -> Node {
        Node::of(Value::List(self.0.iter().map(|id| id.encode(secrets)).collect()))
    }
}

/// Pipelines in the order written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipelines(pub IndexMap<ComponentId, PipelineSettings>);

/// One pipeline: what it carries and between whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineSettings {
    /// The signal it carries.
    pub signal: Signal,
    /// Ids of receivers.
    pub receivers: Vec<ComponentId>,
    /// Ids of processors, in order.
    pub processors: Vec<ComponentId>,
    /// Ids of exporters.
    pub exporters: Vec<ComponentId>,
}

impl Decode for Pipelines {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let Value::Map(map) = &node.value else {
            decoder.mismatch("a map of pipelines", node);
            return default;
        };
        let mut pipelines = IndexMap::new();
        for (key, node) in map {
            decoder.at(key, |decoder| {
                if let Some((id, pipeline)) = pipeline(key, node, decoder)
                    && pipelines.insert(id, pipeline).is_some()
                {
                    decoder.error("this pipeline is given twice");
                }
            });
        }
        Self(pipelines)
    }

    fn encode(&self, secrets: Secrets) -> Node {
        let one = |(id, p): (&ComponentId, &PipelineSettings)| {
            let lists = [("receivers", &p.receivers), ("processors", &p.processors), ("exporters", &p.exporters)];
            let lists =
                lists.map(|(name, ids)| (name, Node::of(Value::List(ids.iter().map(|i| i.encode(secrets)).collect()))));
            (id.to_string(), Node::map(lists))
        };
        Node::of(Value::Map(self.0.iter().map(one).collect()))
    }
}

fn pipeline(key: &str, node: &Node, decoder: &mut Decoder) -> Option<(ComponentId, PipelineSettings)> {
    let id: ComponentId = key.parse().map_err(|message: String| decoder.error(message)).ok()?;
    let Some(signal) = Signal::ALL.into_iter().find(|signal| signal.name() == id.kind()) else {
        decoder.unknown("pipeline signal", id.kind(), &Signal::ALL.map(Signal::name));
        return None;
    };
    decoder.fields(node, &["receivers", "processors", "exporters"])?;
    let mut ids = |key: &str| decoder.at(key, |decoder| ids(node.get(key), decoder));
    let pipeline = PipelineSettings {
        signal,
        receivers: ids("receivers"),
        processors: ids("processors"),
        exporters: ids("exporters"),
    };
    Some((id, pipeline))
}

/// A list of ids; one string is refused here, as in the Collector.
fn ids(node: Option<&Node>, decoder: &mut Decoder) -> Vec<ComponentId> {
    let items = match node.map(|node| (&node.value, node)) {
        None | Some((Value::Null, _)) => return Vec::new(),
        Some((Value::List(items), _)) => items,
        Some((_, node)) => {
            decoder.mismatch("a list of component ids", node);
            return Vec::new();
        }
    };
    let mut ids = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        decoder.at(index.to_string(), |decoder| match &item.value {
            Value::String(text) => match text.parse() {
                Ok(id) => ids.push(id),
                Err(message) => decoder.error(message),
            },
            _ => decoder.mismatch("a component id", item),
        });
    }
    ids
}
