//! The server: answers every request with success at once, and counts its items when nobody else wants the CPU: it must not
//! be what those who are measured wait for.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};

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
/// Behind everybody else.
const NICE: i32 = 19;

/// Serves until it is ended; the file has the number of items so far.
pub async fn sink(address: SocketAddr, file: PathBuf) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    let (bodies, inbox) = mpsc::channel();
    std::fs::write(&file, "0")?;
    std::thread::spawn(move || tell(&inbox, &file));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let bodies = bodies.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let bodies = bodies.clone();
                async move { take(request, &bodies).await }
            });
            let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            server.initial_connection_window_size(WINDOW).initial_stream_window_size(WINDOW);
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Answer = Response<BoxBody<Bytes, std::convert::Infallible>>;

/// A body that was taken.
struct Body {
    signal: Signal,
    framed: Bytes,
    is_gzip: bool,
}

/// Counts, and keeps the number in the file.
fn tell(inbox: &mpsc::Receiver<Body>, file: &Path) {
    // SAFETY: a system call without pointers; it lowers this thread's priority, and it does not matter if it may not.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    let fresh = file.with_extension("new");
    let mut items = 0;
    while let Ok(body) = inbox.recv() {
        items += count(&body).unwrap_or(0);
        // Replaced as a whole: who reads it never sees half a number.
        let _ = std::fs::write(&fresh, items.to_string());
        let _ = std::fs::rename(&fresh, file);
    }
}

async fn take(request: Request<Incoming>, bodies: &Sender<Body>) -> std::result::Result<Answer, hyper::Error> {
    let signal = Signal::ALL.into_iter().find(|signal| signal.export_method() == request.uri().path());
    let is_gzip = request.headers().get("grpc-encoding").is_some_and(|encoding| encoding == "gzip");
    let framed = request.into_body().collect().await?.to_bytes();
    let is_taken = signal.is_some_and(|signal| bodies.send(Body { signal, framed, is_gzip }).is_ok());
    let mut trailers = HeaderMap::new();
    let status = if is_taken { "0" } else { "3" };
    trailers.insert("grpc-status", header::HeaderValue::from_static(status));
    let frames = Full::new(Bytes::from_static(&[0; 5])).with_trailers(async { Some(Ok(trailers)) });
    let mut answer = Response::new(frames.map_frame(|frame: Frame<Bytes>| frame).boxed());
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/grpc"));
    Ok(answer)
}

/// Items of a gRPC message; `None` when it is none.
fn count(Body { signal, framed, is_gzip }: &Body) -> Option<u64> {
    let (head, message) = (framed.get(..5)?, framed.slice(5..));
    let message = match (head[0], *is_gzip) {
        (0, _) => message,
        (1, true) => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&message[..]).read_to_end(&mut plain).ok()?;
            plain.into()
        }
        _ => return None,
    };
    Batch::received(*signal, message, Arc::default()).ok().map(|batch| batch.items().into())
}
