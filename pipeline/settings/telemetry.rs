//! `service::telemetry`: what kpulse says of itself.

use std::time::Duration;

use config::{Decoder, Node, Rules, Section};
use indexmap::IndexMap;

use super::processors::PushProcessor;
use super::readers::Reader;
use super::resource::ResourceSettings;
use super::spans::TraceSettings;

config::settings! {
    /// What kpulse says of itself.
    pub struct TelemetrySettings {
        /// Own log lines.
        pub logs: LogSettings = LogSettings::default(),
        /// Own metrics, `otelcol_*`.
        pub metrics: MetricSettings = MetricSettings::default(),
        /// Own traces.
        pub traces: TraceSettings = TraceSettings::default(),
        /// Who speaks: attributes of own log lines and metrics.
        pub resource: ResourceSettings = ResourceSettings::default(),
    }
}

impl Rules for TelemetrySettings {}

config::settings! {
    /// Own log lines.
    pub struct LogSettings {
        /// The least important level that is shown: debug, info, warn or error; dpanic, panic and fatal show none.
        pub level: Level = Level::Info,
        /// Taken from the Collector's files without effect.
        pub development: bool = false,
        /// How a line is written: console or json.
        pub encoding: Encoding = Encoding::Console,
        /// Whether the place in the source is left out.
        pub disable_caller: bool = false,
        /// Taken from the Collector's files without effect: errors say what they come from, there are no stack traces.
        pub disable_stacktrace: bool = false,
        /// How many of the same lines are written.
        pub sampling: Section<Sampling> = Section::on(),
        /// Where lines go: stderr, stdout or paths of files.
        pub output_paths: Vec<String> = vec!["stderr".into()],
        /// Where it is said that a line could not be written.
        pub error_output_paths: Vec<String> = vec!["stderr".into()],
        /// Fields that every line has.
        pub initial_fields: IndexMap<String, Node> = IndexMap::new(),
        /// Whether the resource's attributes are left out.
        pub disable_zap_resource: bool = false,
        /// Where what the lines say goes as log records, too.
        pub processors: Vec<PushProcessor> = Vec::new(),
    }
}

impl Rules for LogSettings {}

config::words! {
    /// Levels of own log lines.
    pub enum Level: "level" {
        /// Everything.
        Debug = "debug",
        /// What an operator wants to know.
        Info = "info",
        /// What may need attention.
        Warn = "warn",
        /// What does.
        Error = "error",
        /// Nothing; a level of the Collector's that kpulse does not have.
        DPanic = "dpanic",
        /// Nothing; a level of the Collector's that kpulse does not have.
        Panic = "panic",
        /// Nothing; a level of the Collector's that kpulse does not have.
        Fatal = "fatal",
    }
}

config::words! {
    /// How log lines are written.
    pub enum Encoding: "encoding" {
        /// For people: parts between tabs, fields as JSON at the end.
        Console = "console",
        /// One JSON object a line.
        Json = "json",
    }
}

config::settings! {
    /// How many lines of the same level and message are written.
    pub struct Sampling {
        /// The time that they are counted in.
        pub tick: Duration = Duration::from_secs(10),
        /// So many are written first.
        pub initial: u32 = 10,
        /// Then one in so many; none when 0.
        pub thereafter: u32 = 100,
    }
}

impl Rules for Sampling {}

config::settings! {
    /// Own metrics.
    pub struct MetricSettings {
        /// How much is shown: none, basic, normal or detailed.
        pub level: Detail = Detail::Normal,
        /// Who reads them; an empty list turns them off.
        pub readers: Vec<Reader> = vec![Reader::usual()],
        /// Other names and buckets; not there, so only an empty list is taken.
        pub views: Vec<Node> = Vec::new(),
    }
}

impl MetricSettings {
    /// The readers that run.
    pub fn active_readers(&self) -> &[Reader] {
        if self.level == Detail::None { &[] } else { &self.readers }
    }
}

impl Rules for MetricSettings {
    fn rules(&self, decoder: &mut Decoder) {
        if !self.views.is_empty() {
            decoder.at("views", |d| d.error("are not supported: leave them out or empty"));
        }
    }
}

config::words! {
    /// How much own metrics show.
    pub enum Detail: "level" {
        /// Nothing: no page is opened.
        None = "none",
        /// What an operator needs.
        Basic = "basic",
        /// The default.
        Normal = "normal",
        /// What costs more to find out, too.
        Detailed = "detailed",
    }
}
