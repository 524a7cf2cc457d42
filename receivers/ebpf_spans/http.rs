//! HTTP/1.x out of the first bytes of an exchange.

use ebpf::sockets::{Excerpt, Head};

/// Header lines that are looked at; more than servers take by default.
const HEADERS: usize = 100;
/// The methods of RFC 9110 and PATCH (RFC 5789), QUERY; by the semantic conventions all others are `_OTHER`.
const METHODS: [&str; 10] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"];

/// The head of one request, as far as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// As it was sent.
    pub method: String,
    /// As it was sent: a path with query, a URL (to proxies), an authority (CONNECT) or `*`.
    pub target: String,
    /// Minor version, when the first line was seen to its end.
    pub minor: Option<u8>,
    /// `Host`.
    pub host: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `traceparent`.
    pub traceparent: Option<String>,
    /// `tracestate`.
    pub tracestate: Option<String>,
}

impl Request {
    /// Its method, if it is a known one.
    pub fn known_method(&self) -> Option<&'static str> {
        METHODS.into_iter().find(|method| *method == self.method)
    }

    /// The path of its target, without query.
    pub fn path(&self) -> Option<&str> {
        let target = match self.target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => &self.target,
        };
        let end = target.find(['?', '#']).unwrap_or(target.len());
        target.starts_with('/').then(|| &target[..end])
    }
}

/// Every request whose head begins within the excerpt, in order; none if it is not HTTP/1.x after all.
pub fn requests(mut bytes: &[u8]) -> Vec<Request> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let Some((request, bytes_taken)) = request(bytes) else {
            break;
        };
        found.push(request);
        match bytes_taken {
            Some(taken) if taken < bytes.len() => bytes = &bytes[taken..],
            _ => break,
        }
    }
    found
}

/// One request and, if that can be told, where the next one would begin.
fn request(bytes: &[u8]) -> Option<(Request, Option<usize>)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(bytes).ok()?;
    let (Some(method), Some(target)) = (parsed.method, parsed.path) else {
        return cut_first_line(bytes).map(|request| (request, None));
    };
    let value = |name: &str| header(parsed.headers, name);
    let request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        minor: parsed.version,
        host: value("host"),
        user_agent: value("user-agent"),
        traceparent: value("traceparent"),
        tracestate: value("tracestate"),
    };
    let body = match (value("transfer-encoding"), value("content-length")) {
        (Some(_), _) => None,
        (None, Some(length)) => length.parse().ok(),
        (None, None) => Some(0_usize),
    };
    let next = match status {
        httparse::Status::Complete(head) => body.and_then(|body| head.checked_add(body)),
        httparse::Status::Partial => None,
    };
    (request.minor.is_some() || is_target(target)).then_some((request, next))
}

/// Words follow a word in many protocols; before the first line has ended with a version, the target decides.
fn is_target(target: &str) -> bool {
    ["/", "http://", "https://", "*"].iter().any(|start| target.starts_with(start))
}

/// A first line that goes on behind the excerpt.
fn cut_first_line(bytes: &[u8]) -> Option<Request> {
    let line = String::from_utf8_lossy(bytes);
    let (method, target) = line.split_once(' ')?;
    let is_token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_token && is_target(target) && !target.contains(['\n', ' '])).then(|| Request {
        method: method.to_owned(),
        target: target.to_owned(),
        ..Request::default()
    })
}

fn header(headers: &[httparse::Header<'_>], name: &str) -> Option<String> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    Some(String::from_utf8_lossy(found.value).into_owned())
}

/// A response that is none but a notice (100, 103).
fn is_interim(status: u16) -> bool {
    (100..200).contains(&status) && status != 101
}

/// The heads of the responses proper.
pub fn finals<'a>(excerpt: &Excerpt<'a>) -> impl Iterator<Item = &'a Head> {
    excerpt.heads.iter().filter(|head| !is_interim(head.status))
}

/// Whether all of the response was seen to go by, `bytes` in all, `tail` last.
pub fn is_complete(requests: &[Request], excerpt: &Excerpt<'_>, bytes: u64, tail: [u8; 8]) -> bool {
    let mut heads = finals(excerpt);
    let (Some(request), Some(head)) = (requests.last(), heads.nth(requests.len().saturating_sub(1))) else {
        return false;
    };
    if request.method == "HEAD" || matches!(head.status, 204 | 304) {
        return true;
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let seen = excerpt.response.get(head.at as usize..).unwrap_or_default();
    let Ok(httparse::Status::Complete(head_bytes)) = parsed.parse(seen) else {
        return false;
    };
    if header(parsed.headers, "transfer-encoding").is_some() {
        return tail.ends_with(b"\r\n0\r\n\r\n");
    }
    let length = header(parsed.headers, "content-length").and_then(|length| length.trim().parse::<u64>().ok());
    length.is_some_and(|length| bytes >= u64::from(head.at) + head_bytes as u64 + length)
}
