//! The server: answers every request with success and counts its items.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pipeline::{Batch, Signal};
use tokio::net::TcpListener;

use crate::Result;

/// As large as any batch that is sent here.
const WINDOW: u32 = 8 << 20;
const TOLD_EVERY: Duration = Duration::from_millis(50);

/// Serves until it is ended; the file has the number of items so far.
pub async fn sink(address: SocketAddr, file: PathBuf) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    let items = Arc::new(AtomicU64::new(0));
    let told = items.clone();
    std::fs::write(&file, "0")?;
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(TOLD_EVERY).await;
            let fresh = file.with_extension("new");
            // Replaced as a whole: who reads it never sees half a number.
            let _ = std::fs::write(&fresh, told.load(Ordering::Relaxed).to_string());
            let _ = std::fs::rename(&fresh, &file);
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let items = items.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let items = items.clone();
                async move { take(request, &items).await }
            });
            let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            server.initial_connection_window_size(WINDOW).initial_stream_window_size(WINDOW);
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Answer = Response<BoxBody<Bytes, std::convert::Infallible>>;

async fn take(request: Request<Incoming>, items: &AtomicU64) -> std::result::Result<Answer, hyper::Error> {
    let signal = Signal::ALL.into_iter().find(|signal| signal.export_method() == request.uri().path());
    let is_gzip = request.headers().get("grpc-encoding").is_some_and(|encoding| encoding == "gzip");
    let body = request.into_body().collect().await?.to_bytes();
    let counted = signal.and_then(|signal| count(signal, &body, is_gzip));
    items.fetch_add(counted.unwrap_or(0), Ordering::Relaxed);
    let mut trailers = HeaderMap::new();
    let status = if counted.is_some() { "0" } else { "3" };
    trailers.insert("grpc-status", header::HeaderValue::from_static(status));
    let frames = Full::new(Bytes::from_static(&[0; 5])).with_trailers(async { Some(Ok(trailers)) });
    let mut answer = Response::new(frames.map_frame(|frame: Frame<Bytes>| frame).boxed());
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/grpc"));
    Ok(answer)
}

/// Items of a gRPC message; `None` when it is none.
fn count(signal: Signal, framed: &Bytes, is_gzip: bool) -> Option<u64> {
    let (head, message) = (framed.get(..5)?, framed.slice(5..));
    let message = match (head[0], is_gzip) {
        (0, _) => message,
        (1, true) => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&message[..]).read_to_end(&mut plain).ok()?;
            plain.into()
        }
        _ => return None,
    };
    Batch::received(signal, message, Arc::default()).ok().map(|batch| batch.items().into())
}
