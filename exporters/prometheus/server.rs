//! `/metrics`, for a scraper.

use std::sync::Arc;

use pipeline::{StartError, Stop};
use tokio::net::TcpListener;
use transport::pages::{self, Page};
use transport::{Handler, HttpServerSettings, Method, Parts, StatusCode};

/// Makes the page for what a scraper accepts: its content type and its text.
pub type Render = dyn Fn(&str) -> (&'static str, String) + Send + Sync;

/// Listens on `host:port`; an empty host means every address.
///
/// # Errors
/// When the address cannot be used, with the address.
pub async fn listen(endpoint: &str) -> Result<TcpListener, StartError> {
    pages::listen(endpoint).await.map_err(|e| StartError(e.to_string()))
}

/// Serves `/metrics` until the stop.
pub async fn serve(listener: TcpListener, render: Arc<Render>, mut stop: Stop) {
    let page = move |request: Parts| std::future::ready(answer(&request, &render));
    if let Err(error) = pages::serve(listener, page, stop.requested()).await {
        tracing::error!(%error, "nobody can scrape any more");
    }
}

/// The same page for a server with settings: its own headers, and those that web pages ask for.
pub fn handler(settings: &HttpServerSettings, render: Arc<Render>) -> Arc<Handler> {
    pages::handler(settings, move |request: &Parts| answer(request, &render))
}

fn answer(request: &Parts, render: &Arc<Render>) -> Page {
    match (&request.method, request.uri.path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            let accept = request.headers.get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (kind, text) = render(accept);
            Page::new(StatusCode::OK, kind, text)
        }
        (_, "/metrics") => Page::text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n"),
        _ => Page::text(StatusCode::NOT_FOUND, "metrics are at /metrics\n"),
    }
}
