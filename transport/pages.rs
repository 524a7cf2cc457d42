//! A small HTTP/1.1 server for pages that are made when somebody asks: metrics, health, debugging.

use std::convert::Infallible;
use std::future::Future;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::{Chunks, HttpServerSettings, is_preflight};

/// Clients at once; more wait in the listen queue.
const CONNECTIONS: usize = 32;
/// A client that sends no request for so long is sent away.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before the next try when a connection cannot be accepted.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// One answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// 200, 404 ...
    pub status: StatusCode,
    /// Its headers; the length is added.
    pub headers: HeaderMap,
    /// What it says.
    pub body: Bytes,
}

impl Page {
    /// A page of the content type `kind`.
    pub fn new(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        Self { status, headers, body: body.into() }
    }

    /// A line of plain text.
    pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }
}

/// Answers every request with `page` in a server with settings: with its own headers, and those that web pages ask for.
pub fn handler(
    settings: &HttpServerSettings,
    page: impl Fn(&Parts) -> Page + Send + Sync + 'static,
) -> Arc<crate::Handler> {
    let (cors, headers) =
        (settings.cors.get().filter(|cors| cors.is_on()).cloned(), settings.response_headers.to_map());
    Arc::new(move |request, _| {
        let allowed = cors.as_ref().map(|cors| cors.headers(&request)).unwrap_or_default();
        let page = match cors.is_some() && is_preflight(&request) {
            true => Page::text(StatusCode::NO_CONTENT, ""),
            false => page(&request.into_parts().0),
        };
        let mut response = Response::new(Chunks::new([page.body]));
        *response.status_mut() = page.status;
        *response.headers_mut() = page.headers;
        response.headers_mut().extend(headers.clone());
        response.headers_mut().extend(allowed);
        Box::pin(std::future::ready(response))
    })
}

/// Listens on `host:port`; an empty host means every address. Of a name with several addresses an IPv4 one is taken
/// if there is one, as in the Collector: `localhost` is 127.0.0.1.
///
/// # Errors
/// When the address cannot be used, with the address.
pub async fn listen(endpoint: &str) -> std::io::Result<TcpListener> {
    let bound = match endpoint.strip_prefix(':') {
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
        None => bind(endpoint).await,
    };
    bound.map_err(|e| Error::new(e.kind(), format!("cannot listen on {endpoint}: {e}")))
}

async fn bind(endpoint: &str) -> std::io::Result<TcpListener> {
    let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host(endpoint).await?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    TcpListener::bind(&*addresses).await
}

/// Answers every request with `page` until `stop`, or until nobody can connect any more, which is an error.
///
/// # Errors
/// What became of the listener.
pub async fn serve<P, F>(listener: TcpListener, page: P, stop: impl Future<Output = ()>) -> std::io::Result<()>
where
    P: Fn(Parts) -> F + Clone + Send + 'static,
    F: Future<Output = Page> + Send + 'static,
{
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, page.clone()))),
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = &mut stop => return Ok(()),
        }
    }
}

/// Whether a listener that says this will never accept again. Everything else (no descriptors, a client that has left)
/// passes.
pub(crate) fn is_final(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotConnected)
        || matches!(error.raw_os_error(), Some(libc::EBADF | libc::ENOTSOCK | libc::EOPNOTSUPP))
}

async fn connection<P, F>(stream: TcpStream, page: P)
where
    P: Fn(Parts) -> F,
    F: Future<Output = Page>,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let page = page(request.into_parts().0);
        async move { Ok::<_, Infallible>(response(page.await)) }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = http.await {
        tracing::debug!(%error, "a request ended early");
    }
}

fn response(page: Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(page.body));
    *response.status_mut() = page.status;
    *response.headers_mut() = page.headers;
    response
}
