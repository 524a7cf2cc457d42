//! Counts spans, events of spans, metrics, data points, log records and profiles.
//!
//! ```yaml
//! count:
//!   logs:
//!     log.errors:
//!       description: Records that tell of an error.
//!       conditions: ['log.severity_number >= SEVERITY_NUMBER_ERROR']
//!       attributes:
//!         - {key: service.name}
//!         - {key: env, default_value: none}
//! ```
//!
//! Each batch gives one sum (delta, monotonic) for each resource, metric and combination of attribute values. An item counts when
//! one of the metric's conditions is true for it, and when it has all of the attributes: its own, those of its scope or of
//! its resource, or a default. A kind of items without metrics of its own is counted in `trace.span.count`, `trace.span.event.count`,
//! `metric.count`, `metric.datapoint.count`, `log.record.count` or `profile.count`. A batch for which a condition fails is
//! refused. Metrics without data are metrics too (the Collector refuses them).

mod counting;
mod definition;
mod items;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use config::{Decode, Decoder, Node, Rules};
use indexmap::IndexMap;
use ottl::{Context, Failures};
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::connector::{Connector, ConnectorConfig, ConnectorFactory, Outputs};
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, BuildError, Next, Rejected, Signal, Tasks};

use crate::flush::behind;
use counting::Counting;
use definition::Definitions;

config::settings! {
    /// What is counted, by the names of metrics.
    pub struct Config {
        /// Metrics that count spans.
        pub spans: IndexMap<String, Metric> = IndexMap::new(),
        /// Metrics that count events of spans.
        pub spanevents: IndexMap<String, Metric> = IndexMap::new(),
        /// Metrics that count metrics.
        pub metrics: IndexMap<String, Metric> = IndexMap::new(),
        /// Metrics that count data points.
        pub datapoints: IndexMap<String, Metric> = IndexMap::new(),
        /// Metrics that count log records.
        pub logs: IndexMap<String, Metric> = IndexMap::new(),
        /// Metrics that count profiles.
        pub profiles: IndexMap<String, Metric> = IndexMap::new(),
    }
}

config::settings! {
    /// A metric.
    pub struct Metric {
        /// What it says of itself.
        pub description: String = String::new(),
        /// Conditions in OTTL, one of which has to be true.
        pub conditions: Vec<String> = Vec::new(),
        /// Attributes that its points have.
        pub attributes: Vec<Attribute> = Vec::new(),
    }
}

config::settings! {
    /// An attribute of a point.
    pub struct Attribute {
        /// Its key.
        pub key: String = String::new(),
        /// The value for items that have none; without it such items do not count.
        pub default_value: Option<Node> = None,
    }
}

impl Rules for Metric {}

impl Rules for Attribute {
    fn rules(&self, decoder: &mut Decoder) {
        if self.key.is_empty() {
            decoder.at("key", |d| d.error("must be set"));
        }
        if let Some(node) = &self.default_value {
            decoder.at("default_value", |decoder| pipeline::check_value(node, decoder));
        }
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        let lists = [
            ("spans", &self.spans, Context::Span),
            ("spanevents", &self.spanevents, Context::SpanEvent),
            ("metrics", &self.metrics, Context::Metric),
            ("datapoints", &self.datapoints, Context::DataPoint),
            ("logs", &self.logs, Context::Log),
            ("profiles", &self.profiles, Context::Profile),
        ];
        for (key, metrics, context) in lists {
            decoder.at(key, |decoder| definition::check(metrics, context, decoder));
        }
    }
}

/// Row of the connectors' table.
pub static FACTORY: ConnectorFactory = Factory {
    name: "count",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "logs:\n  log.errors:\n    description: Records that tell of an error.\n    \
             conditions: ['log.severity_number >= SEVERITY_NUMBER_ERROR']\n    \
             attributes:\n      - {key: service.name}\n      - {key: env, default_value: none}\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ConnectorConfig for Config {
    fn gives(&self, _: Signal) -> &'static [Signal] {
        &[Signal::Metrics]
    }

    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Connector>, BuildError> {
        let definitions = Definitions::new(self).map_err(|message| BuildError::of(&cx, message))?;
        let failures = Failures::of_connector(&cx);
        Ok(Arc::new(Count(Arc::new(Counting { definitions, failures }))))
    }
}

struct Count(Arc<Counting>);

impl Connector for Count {
    fn edge(&self, _: Signal, outputs: Outputs, _: &mut Tasks) -> Next {
        let next = behind(&outputs);
        let counting = self.0.clone();
        Next::from_fn(move |batch| {
            let (counting, next) = (counting.clone(), next.clone());
            async move {
                let origin = batch.origin().clone();
                let counted = counting.count(batch)?;
                match counted.resource_metrics.is_empty() {
                    true => Ok(()),
                    // What was counted is refused as a whole: the batch can be sent again.
                    false => next.send(Batch::new(counted, origin)).await.map_err(|r| Rejected { rest: None, ..r }),
                }
            }
        })
    }
}

impl Counting {
    fn count(&self, mut batch: Batch) -> Result<MetricsRequest, Rejected> {
        let mut made = Ok(MetricsRequest::default());
        let origin = batch.origin().clone();
        let read = match batch.signal() {
            Signal::Traces => batch.change::<TracesRequest>(|request| made = self.items(request, &origin)),
            Signal::Metrics => batch.change::<MetricsRequest>(|request| made = self.items(request, &origin)),
            Signal::Logs => batch.change::<LogsRequest>(|request| made = self.items(request, &origin)),
            Signal::Profiles => batch.change::<ProfilesRequest>(|request| made = self.items(request, &origin)),
        };
        read.map_err(|undecodable| Rejected::permanent(undecodable.to_string()))?;
        made.map_err(Rejected::permanent)
    }
}
