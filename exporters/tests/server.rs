//! A server that answers what a test wants, over HTTP/1.1 or HTTP/2.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub authority: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What the server answers to a request.
#[derive(Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
    /// Nothing comes at all.
    pub hangs: bool,
    /// The connection breaks instead.
    pub breaks: bool,
}

#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

pub fn headers<const N: usize>(pairs: [(&'static str, &str); N]) -> HeaderMap {
    pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

impl Server {
    /// Answers `replies` in turn and the last one for ever.
    pub async fn start(is_http2: bool, replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, replies) = (server.seen.clone(), Arc::new(replies));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, replies) = (seen.clone(), replies.clone());
                let service = service_fn(move |request| answer(request, seen.clone(), replies.clone()));
                let stream = TokioIo::new(stream);
                if is_http2 {
                    let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    tokio::spawn(async move { drop(http.serve_connection(stream, service).await) });
                } else {
                    let http = hyper::server::conn::http1::Builder::new();
                    tokio::spawn(async move { drop(http.serve_connection(stream, service).await) });
                }
            }
        });
        server
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<Seen>>>,
    replies: Arc<Vec<Reply>>,
) -> Result<Response<Frames>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let count = {
        let mut seen = seen.lock().unwrap();
        seen.push(Seen {
            path: head.uri.path().to_owned(),
            authority: head.uri.authority().map(ToString::to_string),
            headers: head.headers,
            body,
        });
        seen.len()
    };
    let reply = replies[count.min(replies.len()) - 1].clone();
    if reply.hangs {
        std::future::pending::<()>().await;
    }
    let mut frames = VecDeque::new();
    frames.push_back(Ok(Frame::data(reply.body.into())));
    frames.extend(reply.trailers.map(|trailers| Ok(Frame::trailers(trailers))));
    if reply.breaks {
        frames.push_back(Err(std::io::Error::other("broken on purpose")));
    }
    let mut response = Response::new(Frames(frames));
    *response.status_mut() = reply.status.try_into().unwrap();
    *response.headers_mut() = reply.headers;
    Ok(response)
}

struct Frames(VecDeque<std::io::Result<Frame<Bytes>>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.0.pop_front())
    }
}
