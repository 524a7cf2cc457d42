//! What comes in goes out as it was, and is counted.

use std::io::Write;

use pipeline::Signal;
use pipeline::otlp::json;
use serde_json::Value;

use crate::agent::Agent;
use crate::client::{code, framed, post, send};
use crate::{address, path, requests, start};

/// The same request as protobuf.
pub fn wire(signal: &str, request: &Value) -> Vec<u8> {
    let signal = Signal::ALL.into_iter().find(|known| known.name() == signal).unwrap();
    json::read(signal.schema(), request.to_string().as_bytes()).unwrap()
}

pub fn method(signal: &str) -> &'static str {
    Signal::ALL.into_iter().find(|known| known.name() == signal).unwrap().export_method()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(body).unwrap();
    writer.finish().unwrap()
}

fn accepted(agent: &Agent, items: &str, transport: &str) -> u64 {
    agent.own_metric(&format!("otelcol_receiver_accepted_{items}{{receiver=\"otlp\",transport=\"{transport}\"}}"))
}

#[test]
fn every_signal_comes_through_http_as_it_was_sent() {
    let mut agent = start(&[]);
    let to = address(&agent, "http");
    for (signal, items, request) in requests() {
        let (text, wire) = (request.to_string(), wire(signal, &request));
        let said = post(to, &path(signal), "application/json; charset=utf-8", text.as_bytes());
        assert_eq!((said.status, said.text().as_str()), (200, r#"{"partialSuccess":{}}"#), "{signal}");
        let said = post(to, &path(signal), "application/x-protobuf", &wire);
        assert_eq!((said.status, said.body), (200, vec![0x0a, 0x00]), "{signal}");
        for (kind, encoding, body) in [
            ("application/json", "gzip", gzip(text.as_bytes())),
            ("application/x-protobuf", "gzip", gzip(&wire)),
            ("application/x-protobuf", "zstd", zstd::bulk::compress(&wire, 3).unwrap()),
            ("application/json", "snappy", snap::raw::Encoder::new().compress_vec(text.as_bytes()).unwrap()),
        ] {
            let headers = [("content-type", kind), ("content-encoding", encoding)];
            let said = send(to, &format!("POST {}", path(signal)), &headers, &body);
            assert_eq!(said.status, 200, "{signal} {kind} {encoding}: {}", said.text());
        }
        let each = if signal == "metrics" { 2 } else { 1 };
        assert_eq!(accepted(&agent, items, "http"), 6 * each);
        assert_eq!(accepted(&agent, items, "grpc"), 0);
    }
    all_as_sent(&mut agent, 6);
}

#[tokio::test]
async fn every_signal_comes_through_grpc_as_it_was_sent() {
    let mut agent = start(&[]);
    let to = address(&agent, "grpc");
    let ok = ("0".to_owned(), String::new());
    for (signal, items, request) in requests() {
        let wire = wire(signal, &request);
        assert_eq!(code(to, method(signal), &[], framed(0, &wire)).await, ok, "{signal}");
        let zstd = zstd::bulk::compress(&wire, 3).unwrap();
        for (encoding, packed) in [("gzip", gzip(&wire)), ("zstd", zstd)] {
            let said = code(to, method(signal), &[("grpc-encoding", encoding)], framed(1, &packed)).await;
            assert_eq!(said, ok, "{signal} {encoding}");
        }
        assert_eq!(accepted(&agent, items, "grpc"), if signal == "metrics" { 6 } else { 3 });
    }
    all_as_sent(&mut agent, 3);
}

/// Every request stands in the file so often, and nothing else.
fn all_as_sent(agent: &mut Agent, times: usize) {
    agent.wait_for("all lines", |agent| agent.lines().len() >= 4 * times);
    let lines = agent.lines();
    assert_eq!(lines.len(), 4 * times);
    for (signal, _, request) in requests() {
        assert_eq!(lines.iter().filter(|line| **line == request).count(), times, "{signal}: {lines:#?}");
    }
}

#[test]
fn requests_without_items_are_taken_and_nothing_comes_of_them() {
    let agent = start(&[]);
    let to = address(&agent, "http");
    assert_eq!(post(to, "/v1/traces", "application/json", b"{}").status, 200);
    assert_eq!(post(to, "/v1/logs", "application/x-protobuf", b"").status, 200);
    assert_eq!(post(to, "/v1/metrics", "application/json", br#"{"resourceMetrics": [{}], "unknown": 1}"#).status, 200);
    assert!(agent.lines().is_empty());
    assert_eq!(accepted(&agent, "spans", "http"), 0);
}

#[test]
fn web_pages_may_send_where_they_are_allowed() {
    let cors = "receivers.otlp.protocols.http.cors={allowed_origins: ['https://*.example.com'], allowed_headers: [X-Key, Content-Type]}";
    let served = "receivers.otlp.protocols.http.response_headers={x-served-by: kpulse}";
    let agent = start(&[cors, served]);
    let to = address(&agent, "http");
    let ask = |origin: &str, method: &str| {
        let asked = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-key"),
            ("content-type", "application/json"),
        ];
        send(to, &format!("{method} /v1/traces"), &asked, b"{}")
    };
    let preflight = ask("https://a.example.com", "OPTIONS");
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin").unwrap(), "https://a.example.com");
    assert_eq!(preflight.header("access-control-allow-headers").unwrap(), "content-type,x-key");
    let request = ask("https://a.example.com", "POST");
    assert_eq!((request.status, request.header("access-control-allow-credentials").unwrap().as_str()), (200, "true"));
    assert_eq!(request.header("x-served-by").unwrap(), "kpulse");
    let stranger = ask("https://example.org", "OPTIONS");
    assert_eq!((stranger.status, stranger.header("access-control-allow-origin")), (204, None));
}

#[test]
fn a_path_is_read_as_the_collector_reads_it() {
    let agent = start(&[]);
    let to = address(&agent, "http");
    let said = |path: &str| post(to, path, "application/json", b"{}");
    assert_eq!(said("/v1/%6cogs").status, 200);
    let detour = said("//v1/logs");
    assert_eq!((detour.status, detour.header("location").as_deref()), (307, Some("/v1/logs")));
    let unknown = said("/v1/logs/");
    assert_eq!((unknown.status, unknown.header("x-content-type-options").as_deref()), (404, Some("nosniff")));
    assert_eq!(post(to, "/v1/logs", "application/json; charset", b"{}").status, 415);
}

#[test]
fn a_request_with_text_that_is_not_utf8_is_not_lost() {
    let mut agent = start(&[]);
    let wire = b"\x0a\x0d\x12\x0b\x12\x09\x1a\x03a\xffb\xfa\x01\x01\xff";
    assert_eq!(post(address(&agent, "http"), "/v1/logs", "application/x-protobuf", wire).status, 200);
    agent.wait_for("the line", |agent| !agent.lines().is_empty());
    assert_eq!(agent.lines()[0]["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["severityText"], "a\u{fffd}b");
}
