//! A small HTTP server for one page.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use pipeline::{StartError, Stop};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Scrapers at once; more wait in the listen queue.
const CONNECTIONS: usize = 32;
/// A client that sends no request for so long is sent away.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes the page.
pub type Render = dyn Fn() -> String + Send + Sync;

/// Listens on `host:port`; an empty host means every address.
///
/// # Errors
/// When the address cannot be used, with the address.
pub async fn listen(endpoint: &str) -> Result<TcpListener, StartError> {
    let bound = match endpoint.strip_prefix(':') {
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
        None => TcpListener::bind(endpoint).await,
    };
    bound.map_err(|e| StartError(format!("cannot listen on {endpoint}: {e}")))
}

/// Serves `/metrics` until the stop.
pub async fn serve(listener: TcpListener, render: Arc<Render>, mut stop: Stop) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, render.clone()))),
                // Out of descriptors, most likely: the next try should not come at once.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = stop.requested() => return,
        }
    }
}

async fn connection(stream: TcpStream, render: Arc<Render>) {
    let service = service_fn(move |request| {
        let answer = answer(&request, &render);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    let http = http.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIMEOUT);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a scrape ended early");
    }
}

fn answer<B>(request: &Request<B>, render: &Arc<Render>) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", render())
        }
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".into()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "metrics are at /metrics\n".into()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
