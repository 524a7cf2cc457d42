//! `service::telemetry::metrics::readers`.

use config::{Decoder, Rules, Section};

use super::OtlpPush;
use super::processors::{Nothing, PushTarget};

config::settings! {
    /// One reader of own metrics: pull or periodic.
    pub struct Reader {
        /// Read by a scrape.
        pub pull: Option<Pull> = None,
        /// Sent again and again.
        pub periodic: Option<Periodic> = None,
    }
}

impl Reader {
    /// The Collector's own: a page on localhost:8888.
    pub fn usual() -> Self {
        Self { pull: Some(Pull::default()), periodic: None }
    }
}

impl Rules for Reader {
    fn rules(&self, decoder: &mut Decoder) {
        if self.pull.is_some() == self.periodic.is_some() {
            decoder.error("must have either pull or periodic");
        }
    }
}

config::settings! {
    /// Read by a scrape.
    pub struct Pull {
        /// How they are shown.
        pub exporter: PullExporter = PullExporter::default(),
    }
}

impl Rules for Pull {}

config::settings! {
    /// How own metrics are shown.
    pub struct PullExporter {
        /// As a Prometheus page.
        pub prometheus: PrometheusReader = PrometheusReader::default(),
    }
}

impl Rules for PullExporter {}

config::settings! {
    /// A Prometheus page of own metrics.
    pub struct PrometheusReader {
        /// The address it listens on.
        pub host: String = "localhost".into(),
        /// The port it listens on.
        pub port: u16 = 8888,
        /// Whether the otel_scope_ labels are left out.
        pub without_scope_info: bool = true,
        /// Whether `_total` is left out.
        pub without_type_suffix: bool = true,
        /// Whether units are left out of names.
        pub without_units: bool = true,
        /// Resource attributes that every series has as labels.
        pub with_resource_constant_labels: IncludeExclude = IncludeExclude::default(),
    }
}

impl Rules for PrometheusReader {}

config::settings! {
    /// Attributes by name; a name may have `*` and `?`.
    pub struct IncludeExclude {
        /// Those that are taken.
        pub included: Vec<String> = Vec::new(),
        /// Those of them that are not.
        pub excluded: Vec<String> = Vec::new(),
    }
}

impl Rules for IncludeExclude {}

config::settings! {
    /// Sent again and again.
    pub struct Periodic {
        /// Milliseconds from one sending to the next.
        pub interval: u32 = 60_000,
        /// Milliseconds that one sending may take.
        pub timeout: u32 = 30_000,
        /// Where they are sent.
        pub exporter: MetricTarget = MetricTarget::default(),
    }
}

impl Rules for Periodic {
    fn rules(&self, decoder: &mut Decoder) {
        if self.interval == 0 {
            decoder.at("interval", |d| d.error("must be greater than zero"));
        }
    }
}

config::settings! {
    /// Where own metrics are sent: otlp or console.
    pub struct MetricTarget {
        /// To an OTLP receiver.
        pub otlp: Option<MetricPush> = None,
        /// To standard output, as lines of OTLP/JSON.
        pub console: Section<Nothing> = Section::on_when_named(),
    }
}

impl MetricTarget {
    /// The same without what is about metrics alone.
    pub fn target(&self) -> PushTarget {
        PushTarget { otlp: self.otlp.as_ref().map(|metrics| metrics.otlp.clone()), console: self.console.clone() }
    }
}

impl Rules for MetricTarget {
    fn rules(&self, decoder: &mut Decoder) {
        self.target().rules(decoder);
    }
}

config::settings! {
    /// An OTLP receiver of own metrics.
    pub struct MetricPush (pub otlp: OtlpPush = OtlpPush::default()) {
        /// cumulative, or delta: counters and histograms as what was added since the last time.
        pub temporality_preference: Option<Temporality> = None,
        /// Only explicit_bucket_histogram.
        pub default_histogram_aggregation: String = String::new(),
    }
}

impl Rules for MetricPush {
    fn rules(&self, decoder: &mut Decoder) {
        const BUCKETS: &str = "explicit_bucket_histogram";
        let word = &self.default_histogram_aggregation;
        if !word.is_empty() && word != BUCKETS {
            let fault = format!("{word:?} is not supported for own metrics, only {BUCKETS}");
            decoder.at("default_histogram_aggregation", |d| d.error(fault));
        }
    }
}

#[allow(clippy::derivable_impls, reason = "words! derives for words without a default too")]
impl Default for Temporality {
    fn default() -> Self {
        Self::Cumulative
    }
}

config::words! {
    /// What the values of counters and histograms stand for.
    pub enum Temporality: "temporality_preference" {
        /// All since the start of the process.
        Cumulative = "cumulative",
        /// What was added since the last time.
        Delta = "delta",
    }
}
