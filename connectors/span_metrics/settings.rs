//! What is written in the configuration.

use std::collections::HashSet;
use std::time::Duration;

use config::{Decoder, Rules, gates};
use ottl::functions::glob;

/// What stands before the names of metrics if nothing else is said.
pub const NAMESPACE: &str = "traces.span.metrics";

config::settings! {
    /// What is made of spans, and when.
    pub struct Config {
        /// Attributes of spans or resources that tell series apart, in all metrics.
        pub dimensions: Vec<Dimension> = Vec::new(),
        /// More of them for calls.
        pub calls_dimensions: Vec<Dimension> = Vec::new(),
        /// Of service.name, span.name, span.kind, status.code and collector.instance.id, those that are left out.
        pub exclude_dimensions: Vec<String> = Vec::new(),
        /// An older limit: read, and not used.
        pub dimensions_cache_size: i64 = 0,
        /// How many resources are remembered.
        pub resource_metrics_cache_size: u32 = 1000,
        /// The attributes that make resources different; all of them when left empty.
        pub resource_metrics_key_attributes: Vec<String> = Vec::new(),
        /// Whether values go on (cumulative) or begin anew with each flush (delta).
        pub aggregation_temporality: Temporality = Temporality::Cumulative,
        /// Lengths of spans.
        pub histogram: Histogram = Histogram::default(),
        /// How often metrics are handed over.
        pub metrics_flush_interval: Duration = Duration::from_secs(60),
        /// Resources that had no span for so long are forgotten; 0 forgets none.
        pub metrics_expiration: Duration = Duration::ZERO,
        /// Series that had no span for so long are forgotten; 0 forgets none.
        pub series_expiration: Duration = Duration::ZERO,
        /// How many series' last times are remembered, with delta temporality; 1000 if left out.
        pub metric_timestamp_cache_size: Option<u32> = None,
        /// What stands before the names of metrics.
        pub namespace: String = NAMESPACE.into(),
        /// Spans that stand for others in a series.
        pub exemplars: Exemplars = Exemplars::default(),
        /// Events of spans.
        pub events: Events = Events::default(),
        /// Names of scopes that become attributes, with their versions.
        pub include_instrumentation_scope: Vec<String> = Vec::new(),
        /// How many series a metric of one resource may have; 0 is any number.
        pub aggregation_cardinality_limit: u32 = 0,
        /// Whether metrics have the resource's attributes even if the feature gate
        /// connector.spanmetrics.excludeResourceMetrics leaves them out.
        pub add_resource_attributes: bool = false,
        /// Whether an attribute says if spans were counted or extrapolated from sampled ones.
        pub enable_metrics_sampling_method: bool = false,
    }
}

config::settings! {
    /// An attribute that tells series apart.
    pub struct Dimension {
        /// Its key.
        pub name: String = String::new(),
        /// The value where there is none; without it such spans have no such attribute.
        pub default: Option<String> = None,
        /// Instead of a key, a glob: all attributes whose keys fit.
        pub glob: String = String::new(),
    }
}

config::words! {
    /// Whether values go on.
    pub enum Temporality: "aggregation_temporality" {
        /// They begin anew with each flush.
        Delta = "AGGREGATION_TEMPORALITY_DELTA",
        /// They go on.
        Cumulative = "AGGREGATION_TEMPORALITY_CUMULATIVE",
    }
}

config::settings! {
    /// Lengths of spans.
    pub struct Histogram {
        /// Whether there are none.
        pub disable: bool = false,
        /// Their unit: ms or s.
        pub unit: Unit = Unit::by_default(),
        /// Buckets that fit the values; not together with explicit.
        pub exponential: Option<Exponential> = None,
        /// Buckets that are given.
        pub explicit: Option<Explicit> = None,
        /// More attributes that tell series apart.
        pub dimensions: Vec<Dimension> = Vec::new(),
    }
}

config::words! {
    /// A unit of time.
    pub enum Unit: "unit" {
        /// Milliseconds.
        Milliseconds = "ms",
        /// Seconds.
        Seconds = "s",
    }
}

impl Unit {
    fn by_default() -> Self {
        if gates::SPANS_IN_SECONDS.is_on() { Self::Seconds } else { Self::Milliseconds }
    }
}

config::settings! {
    /// Buckets that fit the values.
    pub struct Exponential {
        /// How many there are at most; 0 is 160.
        pub max_size: u32 = 0,
    }
}

config::settings! {
    /// Buckets that are given.
    pub struct Explicit {
        /// Their upper bounds.
        pub buckets: Vec<Duration> = Vec::new(),
    }
}

config::settings! {
    /// Spans that stand for others.
    pub struct Exemplars {
        /// Whether there are any.
        pub enabled: bool = false,
        /// How many a series has at most, between two flushes.
        pub max_per_data_point: u32 = 5,
    }
}

config::settings! {
    /// Events of spans.
    pub struct Events {
        /// Whether they are counted.
        pub enabled: bool = false,
        /// Attributes of events, spans or resources that tell series apart; at least one.
        pub dimensions: Vec<Dimension> = Vec::new(),
    }
}

impl Rules for Dimension {}
impl Rules for Exponential {}
impl Rules for Explicit {}
impl Rules for Exemplars {}

impl Rules for Histogram {
    fn rules(&self, decoder: &mut Decoder) {
        if self.exponential.is_some() && self.explicit.is_some() {
            decoder.error("only one of explicit and exponential can be set");
        }
        decoder.at("dimensions", |decoder| check(&self.dimensions, decoder));
    }
}

impl Rules for Events {
    fn rules(&self, decoder: &mut Decoder) {
        decoder.at("dimensions", |decoder| match (self.enabled, self.dimensions.is_empty()) {
            (false, _) => {}
            (true, true) => decoder.error("must have at least one dimension when events are enabled"),
            (true, false) => check(&self.dimensions, decoder),
        });
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        decoder.at("dimensions", |decoder| check(&self.dimensions, decoder));
        decoder.at("calls_dimensions", |decoder| check(&self.calls_dimensions, decoder));
        if self.metrics_flush_interval.is_zero() {
            decoder.at("metrics_flush_interval", |d| d.error("must be greater than 0"));
        }
        if self.resource_metrics_cache_size == 0 {
            decoder.at("resource_metrics_cache_size", |d| d.error("must be greater than 0"));
        }
        if self.aggregation_temporality == Temporality::Delta && self.metric_timestamp_cache_size == Some(0) {
            decoder.at("metric_timestamp_cache_size", |d| d.error("must be greater than 0"));
        }
    }
}

/// The attributes that every series has.
const OWN: [&str; 5] = ["service.name", "span.kind", "status.code", "span.name", INSTANCE];
/// The one that tells of the run.
const INSTANCE: &str = "collector.instance.id";

/// Reports keys that stand twice, and dimensions that are not one thing.
fn check(dimensions: &[Dimension], decoder: &mut Decoder) {
    let mut names: HashSet<&str> = OWN.into();
    if !gates::SPANS_WITH_INSTANCE.is_on() {
        names.remove(INSTANCE);
    }
    for (index, dimension) in dimensions.iter().enumerate() {
        let fault = match (dimension.name.is_empty(), dimension.glob.is_empty()) {
            (false, false) => Some("only one of name and glob can be set".to_owned()),
            (true, true) => Some("needs name or glob".to_owned()),
            (true, false) if dimension.default.is_some() => Some("a glob has no default".to_owned()),
            (true, false) => glob::regex(&dimension.glob, Some('.')).err().map(|what| format!("glob {what}")),
            (false, true) if names.insert(&dimension.name) => None,
            (false, true) => Some(format!("{:?} is a dimension already", dimension.name)),
        };
        fault.into_iter().for_each(|fault| decoder.at(index.to_string(), |d| d.error(fault)));
    }
    for (index, dimension) in dimensions.iter().enumerate().filter(|(_, dimension)| !dimension.glob.is_empty()) {
        let Ok(glob) = glob::regex(&dimension.glob, Some('.')) else { continue };
        if let Some(name) = names.iter().filter(|name| glob.is_match(name)).min() {
            decoder.at(index.to_string(), |d| d.error(format!("the glob fits {name:?}, which is a dimension already")));
        }
    }
}
