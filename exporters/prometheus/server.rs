//! `/metrics`, for a scraper.

use std::sync::Arc;

use pipeline::{StartError, Stop};
use tokio::net::TcpListener;
use transport::pages::{self, Page};
use transport::{Chunks, Handler, HttpServerSettings, Method, Parts, Response, StatusCode, is_preflight};

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
    let (cors, headers) = (settings.cors.get().cloned(), settings.response_headers.to_map());
    Arc::new(move |request, _| {
        let allowed = cors.as_ref().map(|cors| cors.headers(&request)).unwrap_or_default();
        let page = match cors.is_some() && is_preflight(&request) {
            true => Page::text(StatusCode::NO_CONTENT, ""),
            false => answer(&request.into_parts().0, &render),
        };
        let mut response = Response::new(Chunks::new([page.body]));
        *response.status_mut() = page.status;
        *response.headers_mut() = page.headers;
        response.headers_mut().extend(headers.clone());
        response.headers_mut().extend(allowed);
        Box::pin(std::future::ready(response))
    })
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
