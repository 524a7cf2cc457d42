//! The client: requests that were encoded before the clock starts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pipeline::Signal;
use tokio::net::TcpStream;

use crate::Result;
use crate::items::{ITEMS, Kind, request};

/// Different requests, sent in turn.
const DIFFERENT: u64 = 16;
const CONNECTIONS: usize = 2;
/// Requests under way on each connection.
const AT_ONCE: usize = 4;

/// Sends, and says how it went.
pub async fn send(address: SocketAddr, Kind(signal): Kind, requests: u64, per_second: u32) -> Result<()> {
    let pause = Duration::from_secs(1) / per_second;
    let bodies: Arc<[Bytes]> = (0..DIFFERENT).map(|seed| framed(&request(signal, seed))).collect();
    let bytes: usize = bodies.iter().map(Bytes::len).sum::<usize>() / bodies.len();
    let (next, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    let mut senders = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (client, connection) = http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        for _ in 0..AT_ONCE {
            let (client, bodies, next, refused) = (client.clone(), bodies.clone(), next.clone(), refused.clone());
            senders.push(tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= requests {
                        return Ok::<_, hyper::Error>(());
                    }
                    // Who is late sends at once: the load is the same for everybody who can bear it.
                    tokio::time::sleep_until((start + pause * number as u32).into()).await;
                    let body = bodies[(number % DIFFERENT) as usize].clone();
                    if !export(client.clone(), address, signal, body).await? {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }));
        }
    }
    for sender in senders {
        sender.await??;
    }
    let (seconds, refused) = (start.elapsed().as_secs_f64(), refused.load(Ordering::Relaxed));
    report(&format!("{} {seconds:.3} {refused} {}", (requests - refused) * ITEMS, bytes as u64 / ITEMS))
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn report(line: &str) -> Result<()> {
    println!("{line}");
    Ok(())
}

/// A gRPC message: not compressed, length, bytes.
fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    framed.freeze()
}

/// Whether it was taken.
async fn export(
    mut client: SendRequest<Full<Bytes>>,
    address: SocketAddr,
    signal: Signal,
    body: Bytes,
) -> std::result::Result<bool, hyper::Error> {
    let mut request = Request::post(format!("http://{address}{}", signal.export_method())).body(Full::new(body));
    let Ok(request) = &mut request else {
        return Ok(false);
    };
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, header::HeaderValue::from_static("trailers"));
    client.ready().await?;
    let response = client.send_request(std::mem::take(request)).await?;
    let (parts, body) = response.into_parts();
    let trailers = body.collect().await?.trailers().cloned().unwrap_or_default();
    let status = trailers.get("grpc-status").or(parts.headers.get("grpc-status"));
    Ok(status.is_some_and(|status| status == "0"))
}
