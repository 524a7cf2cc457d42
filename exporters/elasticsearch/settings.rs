//! The settings, named as in the Collector's exporter.

use std::time::Duration;

use config::{Decode, Decoder, Node, Opaque, Rules, Secrets, Section, Value};
use pipeline::delivery::{QueueSettings, RetrySettings};
use transport::{Compression, Headers, TlsSettings};

use super::{date, endpoints};

config::settings! {
    /// Documents into Elasticsearch.
    pub struct Config {
        /// The URL of Elasticsearch.
        pub endpoint: String = String::new(),
        /// Several URLs of one cluster, used in turn.
        pub endpoints: Vec<String> = Vec::new(),
        /// The deployment's id in Elastic Cloud, instead of a URL.
        pub cloudid: String = String::new(),
        /// The user's name, for basic authentication.
        pub user: String = String::new(),
        /// The user's password.
        pub password: Opaque = Opaque::default(),
        /// An API key in its encoded form, instead of user and password.
        pub api_key: Opaque = Opaque::default(),
        /// How TLS is spoken, with https endpoints.
        pub tls: TlsSettings = TlsSettings::default(),
        /// Headers that go with every request: a map, or a list of name and value.
        pub headers: Headers = Headers::default(),
        /// How requests are compressed: gzip or none.
        pub compression: Compression = Compression::Gzip,
        /// An attempt ends after so long; 0 is no limit.
        pub timeout: Duration = Duration::from_secs(90),
        /// How documents are laid out.
        pub mapping: Mapping = Mapping::default(),
        /// The index of all log records; by attributes when empty.
        pub logs_index: String = String::new(),
        /// The index of all metrics; by attributes when empty.
        pub metrics_index: String = String::new(),
        /// The index of all spans; by attributes when empty.
        pub traces_index: String = String::new(),
        /// No effect, as in the Collector: attributes always matter where no index is set.
        pub logs_dynamic_index: Switch = Switch::default(),
        /// No effect, as in the Collector: attributes always matter where no index is set.
        pub metrics_dynamic_index: Switch = Switch::default(),
        /// No effect, as in the Collector: attributes always matter where no index is set.
        pub traces_dynamic_index: Switch = Switch::default(),
        /// Whether elasticsearch.document_id of a log record becomes its document's id.
        pub logs_dynamic_id: Switch = Switch::default(),
        /// Whether elasticsearch.document_id of a span becomes its document's id.
        pub traces_dynamic_id: Switch = Switch::default(),
        /// Whether elasticsearch.document_pipeline of a log record chooses its ingest pipeline.
        pub logs_dynamic_pipeline: Switch = Switch::default(),
        /// The date behind every index.
        pub logstash_format: LogstashFormat = LogstashFormat::default(),
        /// The ingest pipeline of all documents.
        pub pipeline: String = String::new(),
        /// How large requests become.
        pub flush: Flush = Flush::default(),
        /// How documents that failed are sent again.
        pub retry: Retry = Retry::default(),
        /// What is held in memory while the server is slow or away.
        pub sending_queue: Section<QueueSettings> = Section::on(),
        /// Requests at the same time; as sending_queue::num_consumers, which is newer.
        pub num_workers: u32 = 0,
        /// What is asked for in answers; the status of items has to be in it.
        pub bulk_response_filter_path: String =
            "items.*._index,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason".into(),
        /// Whether answers may show a document in their reason for refusing it; as the server likes when unset.
        pub include_source_on_error: Option<bool> = None,
        /// Whether bodies of requests are written to the log, at debug.
        pub log_request_body: bool = false,
        /// Whether bodies of answers are written to the log, at debug.
        pub log_response_body: bool = false,
        /// Whether documents that were refused are written to the log, at debug.
        pub log_failed_docs_input: bool = false,
        /// At most one refused document is written to the log in so long.
        pub log_failed_docs_input_rate_limit: Duration = Duration::from_secs(1),
        /// Taken from the Collector's files without effect: buffers have the size of what is in them.
        pub read_buffer_size: u32 = 0,
        /// Taken from the Collector's files without effect: buffers have the size of what is in them.
        pub write_buffer_size: u32 = 0,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if let Err(fault) = endpoints::of(self) {
            match fault.key {
                Some(key) => decoder.at(key, |d| d.error(fault.message)),
                None => decoder.error(fault.message),
            }
        }
        if self.compression == Compression::Zstd {
            decoder.at("compression", |d| d.error("Elasticsearch reads gzip only: must be gzip or none"));
        }
        if self.user.is_empty() && !self.password.reveal().is_empty() {
            decoder.at("user", |d| d.error("must be set together with password"));
        }
        let asks = |part: &str| matches!(part.trim(), "items" | "items.*" | "items.*.status" | "*" | "**");
        if !self.bulk_response_filter_path.split(',').any(asks) && !self.bulk_response_filter_path.is_empty() {
            decoder.at("bulk_response_filter_path", |d| d.error("must have items.*.status in it"));
        }
    }
}

config::settings! {
    /// On or off.
    pub struct Switch {
        /// Whether it is on.
        pub enabled: bool = false,
    }
}

impl Rules for Switch {}

config::words! {
    /// How documents are laid out.
    pub enum Mode: "mapping mode" {
        /// As Elasticsearch's own templates for OpenTelemetry want them.
        Otel = "otel",
        /// A log record's body is the document.
        Bodymap = "bodymap",
        /// The Elastic Common Schema.
        Ecs = "ecs",
        /// All in one flat map with prefixes.
        None = "none",
        /// All in one flat map.
        Raw = "raw",
    }
}

impl Mode {
    /// Whether documents can be laid out so here.
    pub fn is_known(self) -> bool {
        matches!(self, Self::Otel | Self::Bodymap)
    }

    /// The mode of that name, for attributes and headers.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Otel, Self::Bodymap].into_iter().find(|mode| name.eq_ignore_ascii_case(mode.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Otel => "otel",
            Self::Bodymap => "bodymap",
            Self::Ecs => "ecs",
            Self::None => "none",
            Self::Raw => "raw",
        }
    }
}

config::settings! {
    /// How documents are laid out.
    pub struct Mapping {
        /// otel, or bodymap for logs whose body is the document; a scope's attribute elastic.mapping.mode wins.
        pub mode: Mode = Mode::Otel,
        /// Which modes the header X-Elastic-Mapping-Mode of a received request may choose; all when empty.
        pub allowed_modes: Vec<String> = Vec::new(),
    }
}

impl Rules for Mapping {
    fn rules(&self, decoder: &mut Decoder) {
        if !self.mode.is_known() {
            let name = self.mode.name();
            decoder
                .at("mode", |d| d.error(format!("{name:?} documents cannot be written here: known are otel, bodymap")));
        }
    }
}

config::settings! {
    /// The date behind every index.
    pub struct LogstashFormat {
        /// Whether it is put there.
        pub enabled: bool = false,
        /// What stands between index and date.
        pub prefix_separator: String = "-".into(),
        /// The date in the words of strftime, in UTC.
        pub date_format: String = "%Y.%m.%d".into(),
    }
}

impl Rules for LogstashFormat {
    fn rules(&self, decoder: &mut Decoder) {
        if let Err(message) = date::write(&self.date_format, Duration::ZERO) {
            decoder.at("date_format", |d| d.error(message));
        }
    }
}

config::settings! {
    /// How large requests become.
    pub struct Flush {
        /// A request with more bytes before compression is sent as several.
        pub bytes: u32 = 5_000_000,
        /// Taken from the Collector's files without effect: a batch is sent when it comes.
        pub interval: Duration = Duration::from_secs(10),
    }
}

impl Rules for Flush {
    fn rules(&self, decoder: &mut Decoder) {
        if self.bytes == 0 {
            decoder.at("bytes", |d| d.error("must be greater than zero"));
        }
    }
}

config::settings! {
    /// How documents that failed are sent again.
    pub struct Retry {
        /// Whether they are.
        pub enabled: bool = true,
        /// How often at most; 0 is as often as five minutes allow.
        pub max_retries: u32 = 0,
        /// How often at most they are sent at all; max_retries is newer.
        pub max_requests: u32 = 0,
        /// The wait after the first failure.
        pub initial_interval: Duration = Duration::from_millis(100),
        /// Waits double up to this.
        pub max_interval: Duration = Duration::from_secs(60),
        /// Statuses, of a whole answer or of one document, after which it is sent again.
        pub retry_on_status: Statuses = Statuses(vec![429, 500, 502, 503, 504]),
    }
}

impl Rules for Retry {
    fn rules(&self, decoder: &mut Decoder) {
        if self.max_retries > 0 && self.max_requests > 0 {
            decoder.at("max_requests", |d| d.error("cannot be set together with max_retries"));
        }
    }
}

impl Retry {
    /// How often at most a document is sent again, if that is limited.
    pub fn at_most(&self) -> Option<u32> {
        match (self.max_retries, self.max_requests) {
            (0, 0) => None,
            (0, requests) => Some(requests - 1),
            (retries, _) => Some(retries),
        }
    }

    /// The settings of the shared stage.
    pub fn stage(&self) -> Option<RetrySettings> {
        self.enabled.then(|| RetrySettings {
            initial_interval: self.initial_interval,
            multiplier: 2.0,
            max_interval: self.max_interval,
            ..RetrySettings::default()
        })
    }
}

/// Statuses of HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct Statuses(pub Vec<u16>);

impl Decode for Statuses {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let Value::List(_) = &node.value else {
            decoder.mismatch("a list of statuses", node);
            return default;
        };
        Self(Vec::decode(node, Vec::new(), decoder))
    }

    fn null(_: Self) -> Self {
        Self(Vec::new())
    }

    fn encode(&self, secrets: Secrets) -> Node {
        self.0.encode(secrets)
    }
}
