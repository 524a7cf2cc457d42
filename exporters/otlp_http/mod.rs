//! OTLP over HTTP: one POST per batch.
//!
//! ```yaml
//! otlp_http:
//!   endpoint: http://localhost:4318
//! ```
//!
//! Requests go to `<endpoint>/v1/<signal>` (`/v1development/profiles` for profiles). 429, 502, 503, 504 and broken
//! connections are tried again, no sooner than the server's `Retry-After`; every other failure is final. A partial
//! success is a success: what the server did not take is counted in `kpulse_exporter_rejected_items`.
//! `retry_on_failure` and `sending_queue` are on unless they say `enabled: false`. A signal without an endpoint is
//! refused.

pub(crate) mod answer;
mod redirects;
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
use transport::{
    Chunks, Client, ClientAuth, ClientKeepalive, Compression, Connections, HeaderMap, Headers, Middleware, Request,
    TlsSettings, Uri, Version, endpoint, header,
};

use crate::otlp::{Encoding, PartialSuccesses, authorize, body, credentials, tell_span};

/// Go's HTTP/2 waits as long for the answer to a ping.
const PING_TIMEOUT: Duration = Duration::from_secs(15);

config::settings! {
    /// OTLP over HTTP.
    pub struct Config {
        /// The URL that the signals' paths are added to.
        pub endpoint: String = String::new(),
        /// The whole URL for traces, instead of endpoint.
        pub traces_endpoint: String = String::new(),
        /// The whole URL for metrics, instead of endpoint.
        pub metrics_endpoint: String = String::new(),
        /// The whole URL for logs, instead of endpoint.
        pub logs_endpoint: String = String::new(),
        /// The whole URL for profiles, instead of endpoint.
        pub profiles_endpoint: String = String::new(),
        /// How requests are encoded: proto or json.
        pub encoding: Encoding = Encoding::Proto,
        /// How requests are compressed: gzip, zstd, zlib, deflate, snappy, x-snappy-framed, lz4 or none.
        pub compression: Compression = Compression::Gzip,
        /// Headers that go with every request: a map, or a list of name and value.
        pub headers: Headers = Headers::default(),
        /// How TLS is spoken, with https endpoints.
        pub tls: TlsSettings = TlsSettings::default(),
        /// An attempt ends after so long; 0 is no limit.
        pub timeout: Duration = Duration::from_secs(30),
        /// How a batch that failed is sent again.
        pub retry_on_failure: Section<RetrySettings> = Section::on(),
        /// What is held in memory while the server is slow or away.
        pub sending_queue: Section<QueueSettings> = Section::on(),
        /// Taken from the Collector's files without effect: buffers have the size of what is in them.
        pub read_buffer_size: u32 = 0,
        /// Taken from the Collector's files without effect: buffers have the size of what is in them.
        pub write_buffer_size: u32 = 524_288,
        /// The HTTP proxy of every request, `http://user:password@host:port`. Without it, those of the environment
        /// count: HTTP_PROXY, HTTPS_PROXY, NO_PROXY (Go's rules).
        pub proxy_url: String = String::new(),
        /// Taken from the Collector's files without effect: connections are counted by host.
        pub max_idle_conns: u32 = 100,
        /// So many connections without requests are kept; 0 is any number.
        pub max_idle_conns_per_host: u32 = 0,
        /// Taken from the Collector's files without effect: num_consumers limits what is under way.
        pub max_conns_per_host: u32 = 0,
        /// A connection without requests is closed after so long; 0 is never.
        pub idle_conn_timeout: Duration = Duration::from_secs(90),
        /// Whether each request gets a connection of its own.
        pub disable_keep_alives: bool = false,
        /// A ping is sent over HTTP/2 when nothing came for so long; 0 is never.
        pub http2_read_idle_timeout: Duration = Duration::ZERO,
        /// A connection is closed when a ping is not answered within so long; 0 is 15 s.
        pub http2_ping_timeout: Duration = Duration::ZERO,
        /// Taken from the Collector's files without effect: HTTP/2 is spoken where TLS agrees on it.
        pub force_attempt_http2: bool = true,
        /// How strongly requests are compressed. Taken from the Collector's files without effect: the fastest level is used.
        pub compression_params: CompressionParams = CompressionParams::default(),
        /// Taken from the Collector's files without effect: no cookie is kept.
        pub cookies: Section<Cookies> = Section::off(),
        /// The extension that says who this client is.
        pub auth: Section<ClientAuth> = Section::off(),
        /// Extensions that stand before the client.
        pub middlewares: Vec<Middleware> = Vec::new(),
    }
}

config::settings! {
    /// How strongly requests are compressed.
    pub struct CompressionParams {
        /// Without effect.
        pub level: i32 = 0,
    }
}

impl Rules for CompressionParams {}

config::settings! {
    /// Cookies.
    pub struct Cookies {}
}

impl Rules for Cookies {}

impl Config {
    fn proxy(&self) -> Result<Option<Uri>, String> {
        if self.proxy_url.is_empty() {
            return Ok(None);
        }
        let proxy = endpoint::url(&self.proxy_url)?;
        match proxy.scheme_str() {
            Some("http") => Ok(Some(proxy)),
            _ => Err("only proxies that are spoken to without TLS (http://) are supported".into()),
        }
    }

    fn connections(&self) -> Result<Connections, String> {
        let time = |time: Duration| Some(time).filter(|time| !time.is_zero());
        let keepalive = time(self.http2_read_idle_timeout).map(|after| ClientKeepalive {
            time: after,
            timeout: time(self.http2_ping_timeout).unwrap_or(PING_TIMEOUT),
            ..ClientKeepalive::default()
        });
        let idle_per_host = match (self.disable_keep_alives, self.max_idle_conns_per_host) {
            (true, _) => Some(0),
            (false, 0) => None,
            (false, most) => Some(most as usize),
        };
        let (idle_timeout, proxy) = (time(self.idle_conn_timeout), self.proxy()?);
        Ok(Connections { keepalive, idle_timeout, idle_per_host, proxy, to: None })
    }

    /// The URL of each signal that has one.
    fn urls(&self) -> impl Iterator<Item = (Signal, &'static str, String)> {
        Signal::ALL.into_iter().filter_map(|signal| {
            let (key, own) = match signal {
                Signal::Traces => ("traces_endpoint", &self.traces_endpoint),
                Signal::Metrics => ("metrics_endpoint", &self.metrics_endpoint),
                Signal::Logs => ("logs_endpoint", &self.logs_endpoint),
                Signal::Profiles => ("profiles_endpoint", &self.profiles_endpoint),
            };
            let base = self.endpoint.strip_suffix('/').unwrap_or(&self.endpoint);
            match (own.is_empty(), base.is_empty()) {
                (false, _) => Some((signal, key, own.clone())),
                (true, false) => Some((signal, "endpoint", format!("{base}{}", signal.export_path()))),
                (true, true) => None,
            }
        })
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if let Err(message) = self.proxy() {
            decoder.at("proxy_url", |d| d.error(message));
        }
        if self.urls().next().is_none() {
            decoder.error("at least one endpoint must be specified");
        }
        if let (false, Err(message)) = (self.endpoint.is_empty(), endpoint::url(&self.endpoint)) {
            decoder.at("endpoint", |d| d.error(message));
        }
        for (_, key, url) in self.urls().filter(|(_, key, _)| *key != "endpoint") {
            if let Err(message) = endpoint::url(&url) {
                decoder.at(key, |d| d.error(message));
            }
        }
    }
}

/// Its row in the exporters' table.
pub static FACTORY: ExporterFactory = Factory {
    name: "otlp_http",
    alias: Some("otlphttp"),
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "endpoint: http://localhost:4318\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExporterConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        let parsed = self.urls().map(|(signal, _, url)| {
            let (url, login) = endpoint::apart(endpoint::url(&url)?);
            Ok((signal, url, login))
        });
        let urls = parsed.collect::<Result<_, String>>().map_err(|e| BuildError::of(&cx, e))?;
        let headers = self.request_headers();
        let partial = PartialSuccesses::new(&cx);
        let tracer = cx.telemetry.tracer().clone();
        let credentials = credentials(&self.auth, &cx)?;
        let client = OnceLock::new();
        Ok(Arc::new(OtlpHttp { config: self.clone(), urls, headers, credentials, client, partial, tracer }))
    }

    fn delivery(&self) -> Delivery {
        let delivery = Delivery::new(&self.sending_queue, &self.retry_on_failure, self.timeout);
        delivery.to(self.urls().filter_map(|(signal, _, url)| Some((signal, Server::of_url(&url)?))))
    }
}

impl Config {
    fn request_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, header::HeaderValue::from_static(transport::USER_AGENT));
        let kind = match self.encoding {
            Encoding::Proto => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        headers.extend(self.headers.to_map());
        if let Some(encoding) = self.compression.encoding() {
            headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static(encoding));
        }
        headers
    }
}

struct OtlpHttp {
    config: Config,
    /// Each with what says who this client is, where its URL said so.
    urls: Vec<(Signal, Uri, Option<header::HeaderValue>)>,
    headers: HeaderMap,
    credentials: Option<Arc<dyn Credentials>>,
    client: OnceLock<Client>,
    partial: PartialSuccesses,
    tracer: Tracer,
}

#[async_trait]
impl Exporter for OtlpHttp {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        let speaks_tls = self.urls.iter().any(|(_, url, _)| url.scheme_str() == Some("https"));
        let connections = self.config.connections().map_err(StartError)?;
        let client = Client::open(&self.config.tls, speaks_tls, Version::Any, connections);
        let client = client.map_err(|e| StartError(e.to_string()))?;
        self.client.set(client).map_err(|_| StartError("started twice".into()))
    }

    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        let Some(client) = self.client.get() else {
            return Err(Rejected::closed("not started"));
        };
        let signal = batch.signal();
        let Some((_, url, login)) = self.urls.iter().find(|(of, ..)| *of == signal) else {
            return Err(Rejected::permanent(format!("neither endpoint nor {signal}_endpoint is set")));
        };
        let body = body(&batch, self.config.encoding, self.config.compression).await?;
        let mut request = Request::new(Chunks::new([body]));
        *request.method_mut() = transport::Method::POST;
        *request.uri_mut() = url.clone();
        if let Some(login) = login {
            request.headers_mut().insert(header::AUTHORIZATION, login.clone());
        }
        request.headers_mut().extend(self.headers.clone());
        tell_span(request.headers_mut(), &self.tracer, &batch);
        authorize(self.credentials.as_deref(), &batch, request.headers_mut()).await?;
        let answer = redirects::follow(client, request).await;
        let answer = answer.map_err(|e| Rejected::retryable(format!("failed to make an HTTP request: {e}")))?;
        self.partial.note(answer::judge(url, &answer)?, &batch);
        Ok(())
    }
}
