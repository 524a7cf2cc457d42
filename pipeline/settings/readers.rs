//! `service::telemetry::metrics::readers`.

use config::{Decoder, Opaque, Rules};

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
        pub exporter: PushExporter = PushExporter::default(),
    }
}

impl Rules for Periodic {
    fn rules(&self, decoder: &mut Decoder) {
        if self.interval == 0 {
            decoder.at("interval", |d| d.error("must be greater than zero"));
        }
        if self.exporter.otlp.is_none() {
            decoder.at("exporter", |d| d.error("must have otlp"));
        }
    }
}

config::settings! {
    /// Where own metrics are sent.
    pub struct PushExporter {
        /// To an OTLP receiver.
        pub otlp: Option<OtlpPush> = None,
    }
}

impl Rules for PushExporter {}

config::settings! {
    /// An OTLP receiver of own metrics.
    pub struct OtlpPush {
        /// grpc, http/protobuf or http/json.
        pub protocol: Protocol = Protocol::HttpProtobuf,
        /// Its address. Without a scheme it is https, or http if insecure.
        pub endpoint: String = String::new(),
        /// Headers that go with every request, as a list of name and value.
        pub headers: Vec<Header> = Vec::new(),
        /// Whether to speak without TLS.
        pub insecure: bool = false,
        /// PEM file with the certificates to trust.
        pub certificate: String = String::new(),
        /// PEM file with the client's certificate.
        pub client_certificate: String = String::new(),
        /// PEM file with the client's key.
        pub client_key: String = String::new(),
        /// gzip or none.
        pub compression: String = "none".into(),
        /// Milliseconds that a request may take.
        pub timeout: u32 = 10_000,
    }
}

impl OtlpPush {
    /// The endpoint with its scheme.
    pub fn url(&self) -> String {
        match (self.endpoint.contains("://"), self.insecure) {
            (true, _) => self.endpoint.clone(),
            (false, true) => format!("http://{}", self.endpoint),
            (false, false) => format!("https://{}", self.endpoint),
        }
    }
}

impl Rules for OtlpPush {
    fn rules(&self, decoder: &mut Decoder) {
        if self.endpoint.is_empty() {
            decoder.at("endpoint", |d| d.error("must be set"));
        }
        if !["none", "gzip", ""].contains(&self.compression.as_str()) {
            decoder.at("compression", |d| d.unknown("compression", &self.compression, &["gzip", "none"]));
        }
    }
}

config::settings! {
    /// A header.
    pub struct Header {
        /// Its name.
        pub name: String = String::new(),
        /// Its value.
        pub value: Opaque = Opaque::default(),
    }
}

impl Rules for Header {}

config::words! {
    /// How OTLP travels.
    pub enum Protocol: "protocol" {
        /// gRPC.
        Grpc = "grpc",
        /// Protobuf over HTTP.
        HttpProtobuf = "http/protobuf",
        /// JSON over HTTP.
        HttpJson = "http/json",
    }
}
