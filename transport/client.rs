//! The client.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::PROXY_AUTHORIZATION;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::connect::Connector;
use crate::proxies::Proxies;
use crate::{Chunks, Connections, TlsError, TlsSettings};

/// Of an answer's body so much is read. Answers to exports are short; the rest would be an error page.
const BODY_BYTES_AT_MOST: usize = 64 * 1024;

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/2 where TLS agrees on it, HTTP/1.1 otherwise.
    Any,
    /// HTTP/2 from the first byte, as gRPC has it.
    Http2,
}

/// Sends requests over a pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pool: legacy::Client<Connector, Chunks>,
    connector: Connector,
}

/// No answer came: the connection could not be made or broke.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or its beginning if it is very long.
    pub body: Bytes,
    /// What came after the body.
    pub trailers: HeaderMap,
}

impl Client {
    /// A client; certificates are read now if `speaks_tls`, and nothing is connected before the first request.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub fn open(
        tls: &TlsSettings,
        speaks_tls: bool,
        version: Version,
        connections: Connections,
    ) -> Result<Self, TlsError> {
        let protocols: &'static [&str] = if version == Version::Http2 { &["h2"] } else { &["h2", "http/1.1"] };
        let server_name = tls.server_name()?;
        let tls = if speaks_tls { Some(Arc::new(tls.open(protocols)?)) } else { None };
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new()).http2_only(version == Version::Http2);
        if let Some(pings) = connections.keepalive {
            builder
                .http2_keep_alive_interval(pings.time)
                .http2_keep_alive_timeout(pings.timeout)
                .http2_keep_alive_while_idle(pings.permit_without_stream);
        }
        builder.pool_idle_timeout(connections.idle_timeout);
        builder.pool_max_idle_per_host(connections.idle_per_host.unwrap_or(usize::MAX));
        let proxies = connections.proxy.map_or_else(Proxies::of_environment, Proxies::always);
        let (to, is_grpc) = (connections.to.map(Arc::new), version == Version::Http2);
        let connector = Connector { tls, server_name, to, proxies, is_grpc };
        Ok(Self { pool: builder.build(connector.clone()), connector })
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn send(&self, request: Request<Chunks>) -> Result<Answer, NoAnswer> {
        self.send_for(request, BODY_BYTES_AT_MOST).await
    }

    /// The same, where up to `bytes_at_most` of the answer's body are of use.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn send_for(&self, mut request: Request<Chunks>, bytes_at_most: usize) -> Result<Answer, NoAnswer> {
        if let Some(login) = self.connector.login(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, login);
        }
        let response = self.pool.request(request).await.map_err(|e| NoAnswer(chain(&e)))?;
        let (head, body) = response.into_parts();
        let (body, trailers) = read(body, bytes_at_most).await.map_err(|e| NoAnswer(chain(&e)))?;
        Ok(Answer { status: head.status, headers: head.headers, body, trailers })
    }
}

async fn read(mut body: Incoming, bytes_at_most: usize) -> Result<(Bytes, HeaderMap), hyper::Error> {
    let (mut bytes, mut trailers) = (BytesMut::new(), HeaderMap::new());
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => {
                let room = bytes_at_most.saturating_sub(bytes.len());
                bytes.extend_from_slice(&data[..data.len().min(room)]);
                if room == 0 {
                    break;
                }
            }
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    Ok((bytes.freeze(), trailers))
}

/// An error with its causes: the outermost alone says no more than "client error".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
