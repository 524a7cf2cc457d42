//! What is read out of first bytes, and what it becomes.

use ebpf::sockets::Excerpt;

use super::http::{Request, is_complete, requests};
use super::ids::TraceParent;
use super::template::template;

fn one(text: &str) -> Request {
    let mut all = requests(text.as_bytes());
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_request_is_read_with_what_matters_of_its_headers() {
    let request = one(
        "GET /a?b=c HTTP/1.1\r\nhost: x:80\r\nUSER-AGENT: curl\r\nTraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
    );
    assert_eq!((request.method.as_str(), request.path(), request.minor), ("GET", Some("/a"), Some(1)));
    assert_eq!((request.host.as_deref(), request.user_agent.as_deref()), (Some("x:80"), Some("curl")));
    let parent = request.traceparent.as_deref().and_then(TraceParent::parse).unwrap();
    assert_eq!((parent.trace_id[0], parent.span_id[0], parent.flags), (0x0a, 0xb7, 1));
}

#[test]
fn targets_of_every_form_have_their_path() {
    for (target, path) in [
        ("/", Some("/")),
        ("/x/y?z", Some("/x/y")),
        ("http://host:8080/p?q", Some("/p")),
        ("http://host", Some("/")),
        ("*", None),
        ("host:443", None),
    ] {
        assert_eq!(one(&format!("OPTIONS {target} HTTP/1.1\r\n\r\n")).path(), path, "{target}");
    }
}

#[test]
fn what_is_cut_off_gives_what_was_seen() {
    let whole = "POST /upload/path HTTP/1.1\r\nHost: example\r\nContent-Length: 10\r\n\r\n";
    for end in 6..whole.len() {
        let request = one(&whole[..end]);
        assert_eq!(request.method, "POST");
        assert!("/upload/path".starts_with(request.target.as_str()), "{end}: {request:?}");
    }
}

#[test]
fn what_is_not_http_is_no_request_and_never_a_panic() {
    for bytes in [
        &b"GETTING somewhere"[..],
        b"\x16\x03\x01\x02\x00",
        b"",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\xff\xfe / HTTP/1.1\r\n",
    ] {
        assert!(requests(bytes).is_empty(), "{bytes:?}: {:?}", requests(bytes));
    }
    let valid = b"GET / HTTP/1.1\r\nA: b\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
    for at in 0..valid.len() {
        let mut damaged = valid.to_vec();
        for byte in 0..=255 {
            damaged[at] = byte;
            requests(&damaged);
        }
    }
}

#[test]
fn pipelined_requests_are_told_apart_also_behind_bodies() {
    let text = "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /DELETE /3 HTTP/1.1\r\nHo";
    let targets: Vec<_> = requests(text.as_bytes()).into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/1", "/2", "/3"]);
}

#[test]
fn only_what_looks_like_an_id_leaves_the_name_of_a_path() {
    for (path, short) in [
        ("/", "/"),
        ("/users/42", "/users/{id}"),
        ("/users/42/orders/9f1c2d3e4b", "/users/{id}/orders/{id}"),
        ("/v1/items/123e4567-e89b-12d3-a456-426614174000/", "/v1/items/{id}/"),
        ("/reports/2026-11-21", "/reports/{id}"),
        ("/api/v2/health", "/api/v2/health"),
        ("/deadbeef/facade", "/deadbeef/facade"),
        ("/t/eyJhbGciOiJIUzI1NiIsInR5cCI6", "/t/{id}"),
        ("/index2.html", "/index2.html"),
        ("/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/*"),
    ] {
        assert_eq!(template(path), short);
    }
}

#[test]
fn only_valid_traceparents_are_continued() {
    let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    assert!(TraceParent::parse(valid).is_some());
    assert!(TraceParent::parse(&format!("{}-later", valid.replacen("00", "01", 1))).is_some());
    for bad in [
        "",
        "00",
        &valid.to_uppercase(),
        &format!("{valid}-more"),
        &valid.replacen("00", "ff", 1),
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-é",
    ] {
        assert_eq!(TraceParent::parse(bad), None, "{bad}");
    }
}

#[test]
fn without_a_head_nothing_is_complete() {
    let excerpt = Excerpt { request: b"", response: b"", heads: &[] };
    assert!(!is_complete(&[Request::default()], &excerpt, 100, *b"\n\r\n0\r\n\r\n"));
}
