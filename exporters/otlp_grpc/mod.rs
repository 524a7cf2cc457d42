//! OTLP over gRPC: one unary call per batch.
//!
//! ```yaml
//! otlp_grpc:
//!   endpoint: localhost:4317
//!   tls:
//!     insecure: true
//! ```
//!
//! TLS is the default. Without it, set `tls::insecure`; `http://` in the endpoint alone does not turn it off, as in the
//! Collector. Calls that end with a passing fault are tried again, no sooner than the server's RetryInfo says;
//! RESOURCE_EXHAUSTED only with RetryInfo; every other failure is final. A partial success is a success: what the server
//! did not take is counted in `kpulse_exporter_rejected_items`. `retry_on_failure` and `sending_queue` are on unless they
//! say `enabled: false`. Where the environment has HTTPS_PROXY, connections go through its tunnel, unless NO_PROXY
//! excepts the server (Go's rules).

mod answer;
mod frame;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, Section};
use pipeline::component::{BuildContext, Exporter, ExporterConfig, ExporterFactory, Factory, Stability, decode};
use pipeline::delivery::{Delivery, QueueSettings, RetrySettings, Server};
use pipeline::own_spans::Tracer;
use pipeline::{Batch, BuildError, Credentials, Rejected, Signal, StartError, Tasks};
use transport::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE, USER_AGENT};
use transport::{
    Client, ClientAuth, ClientKeepalive, Compression, Connections, HeaderMap, Headers, Middleware, Request,
    TlsSettings, Uri, Version, endpoint,
};

use crate::otlp::{Encoding, PartialSuccesses, authorize, body, credentials, tell_span};

config::settings! {
    /// OTLP over gRPC.
    pub struct Config {
        /// The server, host:port.
        pub endpoint: String = String::new(),
        /// How requests are compressed: gzip, zstd, snappy or none.
        pub compression: Compression = Compression::Gzip,
        /// Headers that go with every request: a map, or a list of name and value.
        pub headers: Headers = Headers::default(),
        /// How TLS is spoken.
        pub tls: TlsSettings = TlsSettings::default(),
        /// An attempt ends after so long; 0 is no limit.
        pub timeout: Duration = Duration::from_secs(5),
        /// How a batch that failed is sent again.
        pub retry_on_failure: Section<RetrySettings> = Section::on(),
        /// What is held in memory while the server is slow or away.
        pub sending_queue: Section<QueueSettings> = Section::on(),
        /// Taken from the Collector's files without effect: buffers have the size of what is in them.
        pub read_buffer_size: u32 = 0,
        /// Taken from the Collector's files without effect: buffers have the size of what is in them.
        pub write_buffer_size: u32 = 524_288,
        /// Pings that find out that the server is gone.
        pub keepalive: Section<ClientKeepalive> = Section::off(),
        /// Taken from the Collector's files without effect: one address of a name is used until it fails.
        pub balancer_name: String = "round_robin".to_owned(),
        /// Taken from the Collector's files without effect: what cannot be sent is tried again.
        pub wait_for_ready: bool = false,
        /// What is said instead of kpulse's name and version.
        pub user_agent: String = String::new(),
        /// The server's name in requests, if not the endpoint's.
        pub authority: String = String::new(),
        /// The extension that says who this client is.
        pub auth: Section<ClientAuth> = Section::off(),
        /// Extensions that stand before the client.
        pub middlewares: Vec<Middleware> = Vec::new(),
    }
}

impl Config {
    /// Who is connected to, which is also who is asked unless `authority` says otherwise.
    fn target(&self) -> Result<Uri, String> {
        endpoint::target(&self.endpoint, self.tls.is_on())
    }

    fn connections(&self, target: &Uri) -> Connections {
        let to = (!self.authority.is_empty()).then(|| target.clone());
        Connections { to, ..Connections::with_keepalive(&self.keepalive) }
    }

    /// The URL of requests.
    fn asked(&self, target: Uri) -> Result<Uri, String> {
        if self.authority.is_empty() { Ok(target) } else { endpoint::with_authority(&target, &self.authority) }
    }

    fn request_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(transport::USER_AGENT));
        if let (false, Ok(agent)) = (self.user_agent.is_empty(), HeaderValue::try_from(&self.user_agent)) {
            headers.insert(USER_AGENT, agent);
        }
        headers.extend(self.headers.to_metadata());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(HeaderName::from_static("grpc-accept-encoding"), HeaderValue::from_static("gzip, zstd"));
        if let Some(encoding) = self.compression.encoding() {
            headers.insert(HeaderName::from_static("grpc-encoding"), HeaderValue::from_static(encoding));
        }
        // At most eight digits, says the protocol.
        let limit = u32::try_from(self.timeout.as_millis()).unwrap_or(u32::MAX).min(99_999_999);
        if let (1.., Ok(limit)) = (limit, HeaderValue::try_from(format!("{limit}m"))) {
            headers.insert(HeaderName::from_static("grpc-timeout"), limit);
        }
        headers
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if let Err(message) = self.target() {
            decoder.at("endpoint", |d| d.error(message));
        }
        if !self.authority.is_empty()
            && let Ok(target) = self.target()
            && let Err(message) = endpoint::with_authority(&target, &self.authority)
        {
            decoder.at("authority", |d| d.error(message));
        }
        if self.compression.over_grpc().is_none() {
            decoder.at("compression", |d| d.error("gRPC has gzip, zstd, snappy and none"));
        }
        if HeaderValue::try_from(&self.user_agent).is_err() {
            decoder.at("user_agent", |d| d.error("holds characters that a header cannot carry"));
        }
        if !["round_robin", "pick_first", "least_request_experimental", ""].contains(&&*self.balancer_name) {
            decoder.at("balancer_name", |d| {
                d.error(format!("{:?} is none of round_robin, pick_first", self.balancer_name))
            });
        }
    }
}

/// Its row in the exporters' table.
pub static FACTORY: ExporterFactory = Factory {
    name: "otlp_grpc",
    alias: Some("otlp"),
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "endpoint: localhost:4317\ntls:\n  insecure: true\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExporterConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        let server = self.target().map_err(|e| BuildError::of(&cx, e))?;
        let connections = self.connections(&server);
        let target = self.asked(server).map_err(|e| BuildError::of(&cx, e))?;
        let headers = self.request_headers();
        let partial = PartialSuccesses::new(&cx);
        let tracer = cx.telemetry.tracer().clone();
        let credentials = credentials(&self.auth, &cx)?;
        let client = OnceLock::new();
        Ok(Arc::new(OtlpGrpc {
            config: self.clone(),
            target,
            headers,
            connections,
            credentials,
            client,
            partial,
            tracer,
        }))
    }

    fn delivery(&self) -> Delivery {
        let server = self.target().ok().and_then(|target| Server::of_url(target.to_string().trim_end_matches('/')));
        let delivery = Delivery::new(&self.sending_queue, &self.retry_on_failure, self.timeout);
        delivery.to(server.iter().flat_map(|server| Signal::ALL.map(|signal| (signal, server.clone()))))
    }
}

struct OtlpGrpc {
    config: Config,
    target: Uri,
    headers: HeaderMap,
    connections: Connections,
    credentials: Option<Arc<dyn Credentials>>,
    client: OnceLock<Client>,
    partial: PartialSuccesses,
    tracer: Tracer,
}

#[async_trait]
impl Exporter for OtlpGrpc {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        let speaks_tls = self.target.scheme_str() == Some("https");
        let client = Client::open(&self.config.tls, speaks_tls, Version::Http2, self.connections.clone());
        let client = client.map_err(|e| StartError(e.to_string()))?;
        self.client.set(client).map_err(|_| StartError("started twice".into()))
    }

    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        let Some(client) = self.client.get() else {
            return Err(Rejected::closed("not started"));
        };
        let compression = self.config.compression.over_grpc().unwrap_or(Compression::None);
        let message = body(&batch, Encoding::Proto, compression).await?;
        let framed = frame::request(message, self.config.compression.encoding().is_some());
        let mut request = Request::new(framed.map_err(Rejected::permanent)?);
        *request.method_mut() = transport::Method::POST;
        *request.uri_mut() =
            endpoint::with_path(&self.target, batch.signal().export_method()).map_err(Rejected::permanent)?;
        *request.version_mut() = transport::HttpVersion::HTTP_2;
        request.headers_mut().extend(self.headers.clone());
        tell_span(request.headers_mut(), &self.tracer, &batch);
        authorize(self.credentials.as_deref(), &batch, request.headers_mut()).await?;
        // No answer is UNAVAILABLE, which may pass.
        let answer = client.send(request).await.map_err(|e| Rejected::retryable(format!("UNAVAILABLE: {e}")))?;
        self.partial.note(answer::judge(&answer)?, &batch);
        Ok(())
    }
}
