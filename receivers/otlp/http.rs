//! OTLP over HTTP: one POST per request, protobuf or JSON.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pipeline::otlp::json;
use pipeline::{Code, Identity, Origin, Signal};
use transport::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, LOCATION, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use transport::{
    Caller, Chunks, ContentEncoding, Cors, GatherError, Handler, HeaderMap, Incoming, Method, Request, Response,
    StatusCode, gather, is_preflight,
};

use super::HttpProtocol;
use super::gate::Gate;
use super::intake::{Intake, Partly};
use super::reading::{convert, in_time, metadata};
use super::refusal::Refusal;
use super::{response, route};

struct Http {
    intake: Intake,
    paths: Vec<(String, Signal)>,
    body_bytes_at_most: usize,
    encodings: Vec<ContentEncoding>,
    include_metadata: bool,
    read_limit: Option<Duration>,
    answer_limit: Option<Duration>,
    cors: Option<Cors>,
    headers: HeaderMap,
    gate: Gate,
}

/// How a request is written, and how its answer will be.
#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Protobuf,
    Json,
}

/// Answers requests.
pub fn handler(settings: &HttpProtocol, gate: Gate, intake: Intake) -> Arc<Handler> {
    let server = &settings.server;
    let http = Arc::new(Http {
        paths: paths(settings, &intake),
        intake,
        body_bytes_at_most: server.body_bytes_at_most(),
        encodings: server.compression_algorithms.clone(),
        include_metadata: server.include_metadata,
        read_limit: server.read_limit(),
        answer_limit: server.answer_limit(),
        cors: server.cors.get().filter(|cors| cors.is_on()).cloned(),
        headers: server.response_headers.to_map(),
        gate,
    });
    Arc::new(move |request, caller| {
        let (http, caller) = (http.clone(), caller.clone());
        Box::pin(async move {
            let cors = http.cors.as_ref().map(|cors| cors.headers(&request)).unwrap_or_default();
            let mut response = http.answer(request, &caller).await;
            response.headers_mut().extend(http.headers.clone());
            response.headers_mut().extend(cors);
            response
        })
    })
}

/// Only of signals that a pipeline takes.
fn paths(settings: &HttpProtocol, intake: &Intake) -> Vec<(String, Signal)> {
    let path = |signal: Signal| {
        let path = match signal {
            Signal::Traces => &settings.traces_url_path,
            Signal::Metrics => &settings.metrics_url_path,
            Signal::Logs => &settings.logs_url_path,
            Signal::Profiles => signal.export_path(),
        };
        (format!("/{}", path.trim_start_matches('/')), signal)
    };
    Signal::ALL.into_iter().filter(|signal| intake.takes(*signal)).map(path).collect()
}

impl Http {
    async fn answer(&self, request: Request<Incoming>, caller: &Caller) -> Response<Chunks> {
        if self.cors.is_some() && is_preflight(&request) {
            return bare(StatusCode::NO_CONTENT, Vec::new());
        }
        let identity = match self.gate.pass(&request).await {
            Ok(identity) => identity,
            // Whatever is asked for, and in whatever form.
            Err(refusal) => return Encoding::of(request.headers()).unwrap_or(Encoding::Json).refusal(&refusal),
        };
        if let Some(place) = route::detour(request.uri()) {
            let mut response = bare(StatusCode::TEMPORARY_REDIRECT, Vec::new());
            response.headers_mut().insert(LOCATION, place);
            return response;
        }
        let path = config::unescaped(request.uri().path());
        let Some((_, signal)) = self.paths.iter().find(|(own, _)| Some(own) == path.as_ref()) else {
            let mut response =
                answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", b"404 page not found\n".to_vec());
            response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            return response;
        };
        if request.method() != Method::POST {
            let text = b"405 method not allowed, supported: [POST]".to_vec();
            let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, "text/plain", text);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let Some(encoding) = Encoding::of(request.headers()) else {
            let text = b"415 unsupported media type, supported: [application/json, application/x-protobuf]".to_vec();
            return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, "text/plain", text);
        };
        match self.export(*signal, encoding, request, caller, identity).await {
            Ok(partly) => encoding.success(*signal, &partly),
            Err(refusal) => encoding.refusal(&refusal),
        }
    }

    async fn export(
        &self,
        signal: Signal,
        encoding: Encoding,
        request: Request<Incoming>,
        caller: &Caller,
        identity: Identity,
    ) -> Result<Partly, Refusal> {
        let deadline = self.answer_limit.map(|limit| Instant::now() + limit);
        let (head, body) = request.into_parts();
        let packed_as = self.packed_as(&head.headers)?;
        let body = in_time(caller, self.read_limit, self.body(body)).await?;
        let wire = if packed_as == ContentEncoding::Identity && encoding == Encoding::Protobuf {
            body
        } else {
            let at_most = self.body_bytes_at_most;
            convert(body, move |body| wire(signal, encoding, packed_as, &body, at_most)).await?
        };
        let metadata = if self.include_metadata { self.metadata(&head.headers, &head.uri) } else { Vec::new() };
        let span = self.intake.span(&head.headers);
        self.intake.take(signal, wire, Origin { peer: caller.address, metadata, identity, deadline, span }).await
    }

    fn packed_as(&self, headers: &HeaderMap) -> Result<ContentEncoding, Refusal> {
        let name = headers.get(CONTENT_ENCODING).map(|name| String::from_utf8_lossy(name.as_bytes()));
        let name = name.unwrap_or_default();
        let found = ContentEncoding::named(&name).filter(|found| self.encodings.contains(found));
        found.ok_or_else(|| Refusal::new(Code::InvalidArgument, format!("unsupported Content-Encoding: {name}")))
    }

    async fn body(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let at_most = self.body_bytes_at_most;
        let too_large = || Refusal::new(Code::InvalidArgument, format!("the body has more than {at_most} bytes"));
        let body = gather(body, |so_far| if so_far.len() > at_most { Err(too_large()) } else { Ok(0) }).await;
        body.map_err(|error| match error {
            GatherError::Refused(refusal) => refusal,
            GatherError::Broken(error) => Refusal::malformed(format_args!("it broke off: {error}")),
        })
    }

    /// HTTP/2 has the host in the URL.
    fn metadata(&self, headers: &HeaderMap, uri: &transport::Uri) -> Vec<(String, String)> {
        let mut metadata = metadata(headers);
        if let Some(host) = uri.host().filter(|_| !headers.contains_key(HOST)) {
            metadata.push((HOST.as_str().to_owned(), host.to_owned()));
        }
        metadata
    }
}

/// The body as OTLP's wire form.
fn wire(
    signal: Signal,
    encoding: Encoding,
    packed_as: ContentEncoding,
    body: &Bytes,
    at_most: usize,
) -> Result<Bytes, Refusal> {
    let body = packed_as.decompress(body, at_most).map_err(Refusal::malformed)?;
    match encoding {
        Encoding::Protobuf => Ok(body),
        Encoding::Json => json::read(signal.schema(), &body).map(Bytes::from).map_err(Refusal::malformed),
    }
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = route::media_type(headers.get(CONTENT_TYPE)?.to_str().ok()?)?;
        [Self::Protobuf, Self::Json].into_iter().find(|encoding| encoding.kind().eq_ignore_ascii_case(kind))
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    fn success(self, signal: Signal, partly: &Partly) -> Response<Chunks> {
        let body = match self {
            Self::Protobuf => response::to_protobuf(partly),
            Self::Json => response::to_json(signal, partly),
        };
        answer(StatusCode::OK, self.kind(), body)
    }

    fn refusal(self, refusal: &Refusal) -> Response<Chunks> {
        let body = match self {
            Self::Protobuf => refusal.to_protobuf(),
            Self::Json => refusal.to_json(),
        };
        let mut response = answer(refusal.http_status(), self.kind(), body);
        if let Some(seconds) = refusal.retry_seconds() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn answer(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Chunks> {
    let mut response = bare(status, body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn bare(status: StatusCode, body: Vec<u8>) -> Response<Chunks> {
    let mut response = Response::new(Chunks::new([Bytes::from(body)]));
    *response.status_mut() = status;
    response
}
