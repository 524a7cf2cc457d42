//! OTLP over gRPC: unary calls. Their framing is a flag and a length, so hyper's HTTP/2 is all it takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use pipeline::{Code, Origin, Signal};
use transport::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use transport::{
    Caller, Chunks, ContentEncoding, DecompressError, GatherError, GrpcServerSettings, Handler, HeaderMap, Incoming,
    Method, Request, Response, StatusCode, gather,
};

use super::gate::Gate;
use super::intake::{Intake, Partly};
use super::reading::{convert, in_time, metadata};
use super::refusal::Refusal;
use super::response;

const PREFIX_BYTES: usize = 5;
/// What gRPC has compressors for.
const ENCODINGS: &str = "identity,gzip,zstd,snappy";

struct Grpc {
    intake: Intake,
    message_bytes_at_most: usize,
    include_metadata: bool,
    gate: Gate,
}

/// Answers calls.
pub fn handler(settings: &GrpcServerSettings, gate: Gate, intake: Intake) -> Arc<Handler> {
    let message_bytes_at_most = settings.message_bytes_at_most();
    let grpc = Arc::new(Grpc { intake, message_bytes_at_most, include_metadata: settings.include_metadata, gate });
    Arc::new(move |request, caller| {
        let (grpc, caller) = (grpc.clone(), caller.clone());
        Box::pin(async move { grpc.answer(request, &caller).await })
    })
}

impl Grpc {
    async fn answer(&self, request: Request<Incoming>, caller: &Caller) -> Response<Chunks> {
        if request.method() != Method::POST {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "gRPC calls are POST\n");
        }
        let kind = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if !kind.starts_with(b"application/grpc") {
            return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "this port speaks gRPC; OTLP over HTTP has another\n");
        }
        match self.call(request, caller).await {
            Ok(partly) => success(&partly),
            Err(refusal) => {
                let mut response = Response::new(Chunks::default());
                *response.headers_mut() = refusal.trailers();
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
                let accepts = HeaderValue::from_static(ENCODINGS);
                response.headers_mut().insert(HeaderName::from_static("grpc-accept-encoding"), accepts);
                response
            }
        }
    }

    async fn call(&self, request: Request<Incoming>, caller: &Caller) -> Result<Partly, Refusal> {
        let path = request.uri().path();
        let signal = Signal::ALL.into_iter().find(|signal| signal.export_method() == path);
        let Some(signal) = signal.filter(|signal| self.intake.takes(*signal)) else {
            return Err(Refusal::new(Code::Unimplemented, unknown(path, signal)));
        };
        let identity = self.gate.pass(&request).await?;
        let (head, body) = request.into_parts();
        let deadline = timeout(&head.headers).map(|timeout| Instant::now() + timeout);
        let message = in_time(caller, None, self.message(&head.headers, body)).await?;
        let metadata = if self.include_metadata { metadata(&head.headers) } else { Vec::new() };
        let span = self.intake.span(&head.headers);
        self.intake.take(signal, message, Origin { peer: caller.address, metadata, identity, deadline, span }).await
    }

    /// The one message of a unary call, unpacked.
    async fn message(&self, headers: &HeaderMap, body: Incoming) -> Result<Bytes, Refusal> {
        let at_most = self.message_bytes_at_most;
        let framed = gather(body, |so_far| expected(so_far, at_most)).await;
        let framed = framed.map_err(|error| match error {
            GatherError::Refused(refusal) => refusal,
            GatherError::Broken(error) => Refusal::new(Code::Cancelled, format!("the request broke off: {error}")),
        })?;
        let Some((&[flag, a, b, c, d], message)) = framed.split_first_chunk::<PREFIX_BYTES>() else {
            return Err(misframed("there is no message"));
        };
        if u32::from_be_bytes([a, b, c, d]) as usize != message.len() {
            return Err(misframed("the message is shorter than its prefix says"));
        }
        let message = framed.slice(PREFIX_BYTES..);
        match flag {
            0 => Ok(message),
            1 => convert(message, unpacking(headers, at_most)?).await,
            _ => Err(misframed("the message's flag is neither 0 nor 1")),
        }
    }
}

/// What gRPC itself finds wrong; a message that is not OTLP is the sender's mistake, not the call's.
fn misframed(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::Internal, format!("malformed gRPC call: {error}"))
}

/// How long the body will be, from its first bytes.
fn expected(so_far: &[u8], at_most: usize) -> Result<usize, Refusal> {
    let Some((&[_, a, b, c, d], _)) = so_far.split_first_chunk::<PREFIX_BYTES>() else { return Ok(0) };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > at_most {
        // Without RetryInfo, so that the client does not send the same again.
        let message = format!("received message larger than max ({length} vs. {at_most})");
        return Err(Refusal::new(Code::ResourceExhausted, message));
    }
    if so_far.len() > PREFIX_BYTES + length {
        return Err(misframed("there is more than one message"));
    }
    Ok(PREFIX_BYTES + length)
}

type Unpack = Box<dyn FnOnce(Bytes) -> Result<Bytes, Refusal> + Send>;

fn unpacking(headers: &HeaderMap, at_most: usize) -> Result<Unpack, Refusal> {
    let name = headers.get("grpc-encoding").and_then(|name| name.to_str().ok()).unwrap_or_default();
    if matches!(name, "" | "identity") {
        return Err(misframed("a compressed message without grpc-encoding"));
    }
    let known = ENCODINGS.split(',').any(|known| known == name);
    let Some(encoding) = ContentEncoding::named(name).filter(|_| known) else {
        let message = format!("Decompressor is not installed for grpc-encoding {name:?}");
        return Err(Refusal::new(Code::Unimplemented, message));
    };
    Ok(Box::new(move |message| {
        encoding.decompress(&message, at_most).map_err(|error| match error {
            DecompressError::TooLong(_) => {
                let message = format!("message after decompression larger than max {at_most}");
                Refusal::new(Code::ResourceExhausted, message)
            }
            damaged @ DecompressError::Damaged(_) => misframed(damaged),
        })
    }))
}

fn unknown(path: &str, signal: Option<Signal>) -> String {
    if let Some(signal) = signal {
        return format!("no pipeline here takes {signal}");
    }
    match path.trim_start_matches('/').rsplit_once('/') {
        Some((service, method)) => format!("unknown service {service} or method {method}"),
        None => format!("malformed method name {path:?}"),
    }
}

/// gRPC's header: at most eight digits and a unit.
pub(super) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

fn success(partly: &Partly) -> Response<Chunks> {
    let message = response::to_protobuf(partly);
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.put_slice(&message);
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let mut response = Response::new(Chunks::new([framed.freeze()]).with_trailers(trailers));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// An answer to somebody who does not speak gRPC.
fn plain(status: StatusCode, text: &'static str) -> Response<Chunks> {
    let mut response = Response::new(Chunks::new([Bytes::from_static(text.as_bytes())]));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
