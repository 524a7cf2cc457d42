//! Exchanges as spans, by the semantic conventions 1.44 for HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use ebpf::sockets::{Excerpt, Exchange, Head, Kind, Role};
use ebpf::{Clock, Task};
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::trace::v1::span::SpanKind;
use pipeline::proto::trace::v1::status::StatusCode;
use pipeline::proto::trace::v1::{Span, Status};

use super::http::{self, Request};
use super::ids::{self, Ids, TraceParent};
use super::template::template;
use crate::conventions::*;

/// W3C Trace Context: the parent's flags are known, and whether it is on another machine is not.
const SAMPLED: u32 = 1;

const NO_RESPONSE: &str = "the connection ended before a response";
const NO_CONNECTION: &str = "no connection came about";

/// What becomes of one record.
#[derive(Debug)]
pub enum Told {
    /// Spans: several where requests were sent before any response.
    Spans(Vec<Span>),
    /// The response may go on; another record will come.
    NotYet,
    /// An earlier record told of it.
    Again,
    /// The first bytes looked like HTTP and are none.
    NotHttp,
}

/// Tells exchanges as spans.
#[derive(Debug)]
pub struct Teller {
    /// What tells this machine's loopback addresses from those of others.
    host: String,
    clock: Clock,
}

impl Teller {
    /// For this machine since its last start.
    pub fn new() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { host, clock: Clock::default() }
    }

    /// The spans of an exchange.
    pub fn tell(&mut self, exchange: &Exchange, excerpt: Excerpt<'_>) -> Told {
        match exchange.kind() {
            Some(Kind::Http) => {}
            Some(Kind::Handshake) => return Told::Spans(vec![self.handshake(exchange)]),
            Some(Kind::Tcp) | None => return Told::Spans(vec![self.tcp(exchange)]),
        }
        let requests = http::requests(excerpt.request);
        if requests.is_empty() {
            return Told::NotHttp;
        }
        let seen_whole = |bytes| http::is_complete(&requests, &excerpt, bytes, exchange.response_tail());
        if exchange.may_go_on() && !seen_whole(exchange.response_bytes) {
            return Told::NotYet;
        }
        if !exchange.may_go_on() && exchange.was_shown() && seen_whole(exchange.response_shown_bytes) {
            return Told::Again;
        }
        let mut heads = http::finals(&excerpt).peekable();
        let spans = (0..).zip(&requests).map(|(nth, request)| {
            let head = heads.next();
            // A response ends where the next one begins.
            let end_ns = heads.peek().map_or(exchange.end_ns(), |next| next.mono_ns);
            self.http(exchange, nth, request, head, end_ns)
        });
        Told::Spans(spans.collect())
    }

    fn tcp(&mut self, exchange: &Exchange) -> Span {
        let ids = Ids::of(exchange, 0, None, &self.host);
        let mut span = self.span(exchange, ids, exchange.end_ns());
        span.name = "TCP".into();
        span.attributes.extend(common(exchange, None));
        span.status = unanswered(exchange, &mut span.attributes, NO_RESPONSE);
        span
    }

    /// A connection that came about, or did not. Its first request has a trace of its own.
    fn handshake(&mut self, exchange: &Exchange) -> Span {
        let ids = Ids::of(exchange, ids::HANDSHAKE, None, &self.host);
        let mut span = self.span(exchange, ids, exchange.request_end_ns);
        let is_server = exchange.role() == Some(Role::Server);
        span.name = if is_server { "TCP accept" } else { "TCP connect" }.into();
        span.attributes.extend(common(exchange, None));
        span.status = unanswered(exchange, &mut span.attributes, NO_CONNECTION);
        span
    }

    fn http(&mut self, exchange: &Exchange, nth: u32, request: &Request, head: Option<&Head>, end_ns: u64) -> Span {
        let traceparent = request.traceparent.as_deref().and_then(TraceParent::parse);
        let ids = Ids::of(exchange, nth, traceparent, &self.host);
        let mut span = self.span(exchange, ids, end_ns);
        span.name = name(request);
        if let Some(parent) = traceparent {
            span.flags = parent.flags.into();
            span.trace_state = request.tracestate.clone().unwrap_or_default();
        }
        span.attributes = http_attributes(exchange, request);
        span.attributes.extend(common(exchange, request.host.as_deref()));
        span.status = match head {
            Some(head) => answered(exchange, head.status, &mut span.attributes),
            None => unanswered(exchange, &mut span.attributes, NO_RESPONSE),
        };
        span
    }

    /// Both ends of a span by one reading of the clocks, so that its length is the kernel's.
    fn span(&mut self, exchange: &Exchange, ids: Ids, end_ns: u64) -> Span {
        let start = self.clock.unix_ns(exchange.request_start_ns);
        let kind = match exchange.role() {
            Some(Role::Server) => SpanKind::Server,
            _ => SpanKind::Client,
        };
        Span {
            trace_id: ids.trace.to_vec(),
            span_id: ids.span.to_vec(),
            parent_span_id: ids.parent.map(Vec::from).unwrap_or_default(),
            flags: SAMPLED,
            kind: kind.into(),
            start_time_unix_nano: start,
            end_time_unix_nano: start + end_ns.saturating_sub(exchange.request_start_ns),
            ..Span::default()
        }
    }
}

/// `GET /users/{id}`; a method that nobody knows is `HTTP`.
fn name(request: &Request) -> String {
    let method = request.known_method().unwrap_or("HTTP");
    request.path().map_or_else(|| method.to_owned(), |path| format!("{method} {}", template(path)))
}

fn http_attributes(exchange: &Exchange, request: &Request) -> Vec<KeyValue> {
    let mut attributes = vec![text(HTTP_REQUEST_METHOD, request.known_method().unwrap_or("_OTHER"))];
    if request.known_method().is_none() {
        attributes.push(text(HTTP_REQUEST_METHOD_ORIGINAL, &request.method));
    }
    attributes.push(text(URL_SCHEME, "http"));
    if let Some(path) = request.path() {
        attributes.push(text(URL_PATH, path));
        attributes.push(text(URL_TEMPLATE, template(path)));
        if exchange.role() == Some(Role::Client) {
            let server = exchange.remote().map(|remote| remote.to_string());
            attributes
                .extend(request.host.clone().or(server).map(|host| text(URL_FULL, format!("http://{host}{path}"))));
        }
    }
    attributes.push(text(NETWORK_PROTOCOL_NAME, "http"));
    attributes.extend(request.minor.map(|minor| text(NETWORK_PROTOCOL_VERSION, format!("1.{minor}"))));
    attributes.extend(request.user_agent.as_ref().map(|agent| text(USER_AGENT, agent)));
    attributes.push(int(HTTP_REQUEST_SIZE, signed(exchange.request_bytes)));
    attributes.push(int(HTTP_RESPONSE_SIZE, signed(exchange.response_bytes)));
    attributes
}

/// Who, with whom, and how the way was.
fn common(exchange: &Exchange, host: Option<&str>) -> Vec<KeyValue> {
    let mut attributes = vec![text(NETWORK_TRANSPORT, "tcp")];
    if let (Some(local), Some(remote)) = (exchange.local(), exchange.remote()) {
        attributes.extend(ends(exchange, local, remote, host));
    }
    let seconds = |key, duration: Option<Duration>| duration.map(|duration| double(key, duration.as_secs_f64()));
    attributes.extend(seconds(TCP_SRTT, exchange.srtt()));
    attributes.extend(seconds(TCP_HANDSHAKE, exchange.handshake()));
    attributes.extend(seconds(RECEIVE_QUEUE_TIME, exchange.queued()));
    attributes.extend(seconds(RECEIVE_STACK_TIME, exchange.in_stack()));
    attributes.extend(seconds(APPLICATION_TIME, exchange.application()));
    attributes.push(int(TCP_RETRANSMITS, exchange.retransmits));
    let Task { pid, comm, .. } = exchange.task();
    // Who listens on a port may be unknown.
    if pid != 0 {
        attributes.extend([int(PROCESS_PID, pid), text(PROCESS_NAME, comm)]);
    }
    attributes
}

fn ends(exchange: &Exchange, local: SocketAddr, remote: SocketAddr, host: Option<&str>) -> Vec<KeyValue> {
    let is_server = exchange.role() == Some(Role::Server);
    let (server, client) = if is_server { (local, remote) } else { (remote, local) };
    let (name, port) = host.map_or((None, None), split_host);
    vec![
        text(NETWORK_TYPE, if local.is_ipv4() { "ipv4" } else { "ipv6" }),
        text(NETWORK_PEER_ADDRESS, remote.ip().to_string()),
        int(NETWORK_PEER_PORT, remote.port()),
        text(NETWORK_LOCAL_ADDRESS, local.ip().to_string()),
        int(NETWORK_LOCAL_PORT, local.port()),
        text(SERVER_ADDRESS, name.unwrap_or_else(|| server.ip().to_string())),
        int(SERVER_PORT, port.unwrap_or(server.port())),
        text(CLIENT_ADDRESS, client.ip().to_string()),
        int(CLIENT_PORT, client.port()),
    ]
}

/// `example.org:8080`, `[::1]:8080`, or without port.
fn split_host(host: &str) -> (Option<String>, Option<u16>) {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port.parse().ok()),
        _ => (host, None),
    };
    let name = name.trim_matches(['[', ']']);
    (Some(name.to_owned()).filter(|name| !name.is_empty()), port)
}

/// Servers fail by 500 and above, clients by 400 and above.
fn answered(exchange: &Exchange, status: u16, attributes: &mut Vec<KeyValue>) -> Option<Status> {
    attributes.push(int(HTTP_RESPONSE_STATUS, status));
    let fails_from = if exchange.role() == Some(Role::Server) { 500 } else { 400 };
    if status < fails_from {
        return None;
    }
    attributes.push(text(ERROR_TYPE, status.to_string()));
    Some(Status { code: StatusCode::Error.into(), ..Status::default() })
}

fn unanswered(exchange: &Exchange, attributes: &mut Vec<KeyValue>, message: &str) -> Option<Status> {
    if !exchange.is_unanswered() {
        return None;
    }
    let kind = exchange.error().map(|number| std::io::Error::from_raw_os_error(number).kind().to_string());
    let kind = kind.map_or_else(|| "connection_closed".to_owned(), |kind| kind.replace(' ', "_"));
    attributes.push(text(ERROR_TYPE, kind));
    Some(Status { code: StatusCode::Error.into(), message: message.into() })
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
