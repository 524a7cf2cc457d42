//! The settings of HTTP servers.

use std::time::Duration;

use config::{Rules, Section};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;

use super::connection::Connections;
use super::{Auth, Middleware, Server, ServerError};
use crate::{ContentEncoding, Cors, Headers, ListenSettings, TlsServerSettings};

/// What a request may have at most if nothing else is set.
const BODY_BYTES: usize = 20 * 1024 * 1024;
/// HTTP/2's windows: with its own 64 KiB a request waits for a round trip after each.
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// HTTP/2: a request's headers may have so many bytes. Tokens with many claims alone are longer than hyper's 16 KiB.
const HEADER_BYTES: u32 = 1024 * 1024;

config::settings! {
    /// An HTTP server.
    pub struct HttpServerSettings (pub listen: ListenSettings = ListenSettings::default()) {
        /// How TLS is spoken; not at all when absent.
        pub tls: Section<TlsServerSettings> = Section::off(),
        /// Which web pages may send requests.
        pub cors: Section<Cors> = Section::off(),
        /// Who checks the clients.
        pub auth: Section<Auth> = Section::off(),
        /// A request's body may have so many bytes, compressed and not; 0 is 20 MiB.
        pub max_request_body_size: u64 = BODY_BYTES as u64,
        /// Whether request headers go with the data, for processors that look at them.
        pub include_metadata: bool = false,
        /// Headers that go with every answer.
        pub response_headers: Headers = Headers::default(),
        /// How request bodies may be compressed; "" allows those that are not.
        pub compression_algorithms: Vec<ContentEncoding> = ContentEncoding::ALL.to_vec(),
        /// A request must be there in full after so long; 0 is no limit.
        pub read_timeout: Duration = Duration::ZERO,
        /// A request's headers must be there after so long; 0 is no limit.
        pub read_header_timeout: Duration = Duration::from_secs(60),
        /// A request is answered within so long, by 503 if need be; 0 is no limit.
        pub write_timeout: Duration = Duration::from_secs(30),
        /// A connection is closed after so long without a request; 0 is read_timeout.
        pub idle_timeout: Duration = Duration::from_secs(60),
        /// Whether a connection serves more than one request.
        pub keep_alives_enabled: bool = true,
        /// Extensions that stand before the server.
        pub middlewares: Vec<Middleware> = Vec::new(),
    }
}

impl Rules for HttpServerSettings {}

/// Zero says that there is no limit.
pub(super) fn limit(time: Duration) -> Option<Duration> {
    Some(time).filter(|time| !time.is_zero())
}

/// A server of HTTP/1.1 and HTTP/2 with large windows.
pub(super) fn builder() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    http
}

impl HttpServerSettings {
    /// Opens the port and reads the certificates.
    ///
    /// # Errors
    /// When the port cannot be had, or a certificate not be read.
    pub async fn open(&self) -> Result<Server, ServerError> {
        let mut http = builder();
        http.http1()
            .timer(TokioTimer::new())
            .keep_alive(self.keep_alives_enabled)
            .header_read_timeout(limit(self.read_header_timeout));
        let idle = limit(self.idle_timeout).or(limit(self.read_timeout));
        let connections = Connections { http, idle, age: None, grace: None };
        let tls = self.tls.get().map(|tls| tls.open(&["h2", "http/1.1"]));
        Server::open(&self.listen, tls, connections).await
    }

    /// How many bytes a body may have, compressed and not.
    pub fn body_bytes_at_most(&self) -> usize {
        match self.max_request_body_size {
            0 => BODY_BYTES,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        }
    }

    /// How long a request may take to come.
    pub fn read_limit(&self) -> Option<Duration> {
        limit(self.read_timeout)
    }

    /// How long an answer may take to be made.
    pub fn answer_limit(&self) -> Option<Duration> {
        limit(self.write_timeout)
    }
}
