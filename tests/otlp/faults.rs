//! What is broken, too large or meant for somebody else is refused with the reason, and the agent goes on.

use std::io::Write;
use std::net::TcpListener;

use bytes::Bytes;
use pipeline::otlp::wire::{put_tag, put_varint};

use crate::agent::{Agent, kpulse};
use crate::answers::{method, wire};
use crate::client::{code, framed, post, send};
use crate::{address, requests, start};

const LOGS_ONLY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/logs_only.yaml");
const PROTO: &str = "application/x-protobuf";

/// A log record whose body is nested so deep.
fn nested(depth: usize) -> Vec<u8> {
    let mut inner = Vec::new();
    for number in std::iter::repeat_n([1, 5], depth).flatten().chain([5, 2, 2, 1]) {
        let mut outer = Vec::new();
        put_tag(&mut outer, number, 2);
        put_varint(&mut outer, inner.len() as u64);
        outer.append(&mut inner);
        inner = outer;
    }
    inner
}

/// Damaged requests for logs, each with what is said of it.
fn damaged() -> Vec<(Vec<u8>, &'static str)> {
    let whole = wire("logs", &requests()[2].2);
    vec![
        (whole[..whole.len() - 1].to_vec(), "truncated"),
        (vec![0x08, 0x01], "wrong wire type"),
        (vec![0x0f], "unsupported wire type 7"),
        (b"\x0a\x09\x12\x07\x12\x05\x4a\x03abc".to_vec(), "has 3 bytes"),
        (vec![0xff; 11], "varint too long"),
        (nested(60), "nested too deeply"),
    ]
}

#[test]
fn damaged_requests_are_told_what_is_wrong_over_http() {
    let agent = start(&[]);
    let to = address(&agent, "http");
    for (body, reason) in damaged() {
        let said = post(to, "/v1/logs", PROTO, &body);
        assert_eq!((said.status, said.header("content-type").unwrap().as_str()), (400, PROTO), "{reason}");
        assert!(said.text().contains(reason), "{reason}: {}", said.text());
    }
    let deep = format!("{}{}", r#"{"resourceLogs":["#, "[".repeat(100_000));
    let long_number = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"18446744073709551616"}]}]}]}"#;
    for text in [
        "",
        "{bad",
        "[]",
        "{} {}",
        &deep,
        long_number,
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xx"}]}]}]}"#,
    ] {
        let said = post(to, "/v1/logs", "application/json", text.as_bytes());
        assert_eq!(said.status, 400, "{text:.40}: {}", said.text());
        assert!(said.text().starts_with(r#"{"code":3,"message":"malformed request: "#), "{}", said.text());
    }
    assert!(agent.lines().is_empty());
    assert_eq!(post(to, "/v1/logs", "application/json", b"{}").status, 200, "and it goes on");
}

#[test]
fn requests_for_somebody_else_have_the_collectors_answers() {
    let agent = Agent::start_with(LOGS_ONLY, &[]);
    let to = address(&agent, "http");
    let rows = [
        ("GET /v1/logs", "application/json", "", 405, "405 method not allowed, supported: [POST]"),
        (
            "POST /v1/logs",
            "text/plain",
            "",
            415,
            "415 unsupported media type, supported: [application/json, application/x-protobuf]",
        ),
        ("POST /v1/nothing", "application/json", "", 404, "404 page not found\n"),
        ("POST /v1/traces", "application/json", "", 404, "404 page not found\n"),
        ("POST /v1development/profiles", "application/json", "", 404, "404 page not found\n"),
        ("POST /v1/logs", "application/json", "br", 400, r#"{"code":3,"message":"unsupported Content-Encoding: br"}"#),
    ];
    for (line, kind, encoding, status, text) in rows {
        let headers = [("content-type", kind), ("content-encoding", encoding)];
        let said = send(to, line, if encoding.is_empty() { &headers[..1] } else { &headers }, b"{}");
        assert_eq!((said.status, said.text().as_str()), (status, text), "{line}");
    }
}

#[test]
fn bodies_over_the_limit_are_refused_unpacked_or_not() {
    let agent = start(&["receivers.otlp.protocols.http.max_request_body_size=100000"]);
    let to = address(&agent, "http");
    let exact = format!("{{{}}}", " ".repeat(99_998));
    assert_eq!(post(to, "/v1/logs", "application/json", exact.as_bytes()).status, 200);
    let over = format!("{{{}}}", " ".repeat(99_999));
    assert_eq!(post(to, "/v1/logs", "application/json", over.as_bytes()).status, 400);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 100_000_000]).unwrap();
    let zstd = zstd::bulk::compress(&vec![b' '; 100_000_000], 1).unwrap();
    for (encoding, bomb) in [("gzip", gzip.finish().unwrap()), ("zstd", zstd)] {
        assert!(bomb.len() < 100_000);
        let said = send(to, "POST /v1/logs", &[("content-type", PROTO), ("content-encoding", encoding)], &bomb);
        assert_eq!(said.status, 400, "{encoding}");
        assert!(said.text().contains("more than 100000 bytes"), "{encoding}: {}", said.text());
    }
    let rss = std::fs::read_to_string(format!("/proc/{}/status", agent.child.id())).unwrap();
    let peak = rss.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    assert!(peak.parse::<u64>().unwrap() < 90_000, "{peak} kB for bombs of 100 MB");
}

/// Method, headers, body, and the code and message that it ends with.
type Call<'a> = (&'a str, &'a [(&'a str, &'a str)], Bytes, &'a str, &'a str);

#[tokio::test]
async fn broken_calls_end_with_the_code_that_fits() {
    let agent = Agent::start_with(LOGS_ONLY, &[]);
    let to = address(&agent, "grpc");
    let logs = method("logs");
    for (body, reason) in damaged() {
        let (code, message) = code(to, logs, &[], framed(0, &body)).await;
        assert!(code == "3" && message.contains(reason), "{reason}: {code} {message}");
    }
    let gzip = [("grpc-encoding", "gzip")];
    let rows: [Call<'_>; 9] = [
        (logs, &[], Bytes::new(), "13", "there is no message"),
        (logs, &[], Bytes::from_static(&[0, 0, 0]), "13", "there is no message"),
        (logs, &[], Bytes::from_static(&[0, 0, 0, 0, 9, 1]), "13", "shorter than its prefix"),
        (logs, &[], Bytes::from_static(&[0, 0, 0, 0, 0, 0]), "13", "more than one message"),
        (logs, &[], framed(1, b"abc"), "13", "without grpc-encoding"),
        (logs, &gzip, framed(1, b"abc"), "13", "cannot uncompress"),
        (logs, &[("grpc-encoding", "br")], framed(1, b"abc"), "12", "Decompressor is not installed"),
        ("/foo.Bar/Baz", &[], framed(0, b""), "12", "foo.Bar"),
        (method("profiles"), &[], framed(0, b""), "12", "no pipeline here takes profiles"),
    ];
    for (method, headers, body, wanted, reason) in rows {
        let (code, message) = code(to, method, headers, body).await;
        assert!(code == wanted && message.contains(reason), "{reason}: {code} {message}");
    }
    assert_eq!(code(to, logs, &[], framed(0, b"")).await.0, "0", "and it goes on");
}

#[tokio::test]
async fn messages_over_the_limit_are_exhausting_and_do_not_say_when_to_come_back() {
    let agent = start(&[]);
    let to = address(&agent, "grpc");
    let text = |bytes: usize| {
        // A schema URL of the resource: five bytes of tags and lengths, twice.
        let mut body = vec![0x1a];
        put_varint(&mut body, bytes as u64 - 10);
        body.extend(vec![b'x'; bytes - 10]);
        let mut request = vec![0x0a];
        put_varint(&mut request, body.len() as u64);
        request.extend(body);
        assert_eq!(request.len(), bytes);
        request
    };
    let limit = 4 * 1024 * 1024;
    assert_eq!(code(to, method("logs"), &[], framed(0, &text(limit))).await.0, "0");
    let (over, message) = code(to, method("logs"), &[], framed(0, &text(limit + 1))).await;
    assert_eq!((over.as_str(), message.as_str()), ("8", "received message larger than max (4194305 vs. 4194304)"));
    let bomb = zstd::bulk::compress(&text(limit + 1), 1).unwrap();
    let (over, message) = code(to, method("logs"), &[("grpc-encoding", "zstd")], framed(1, &bomb)).await;
    assert_eq!((over.as_str(), message.as_str()), ("8", "message after decompression larger than max 4194304"));
}

#[test]
fn a_port_in_use_ends_the_start_with_one_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/pipeline.yaml");
    let endpoint = format!("receivers.otlp.protocols.http.endpoint={address}");
    let rest = ["--set", "exporters.file.path=/dev/null", "--set", "service.telemetry.metrics.level=none"];
    let output = kpulse(&[&["--config", config, "--set", &endpoint][..], &rest].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let error = said.lines().last().unwrap();
    assert!(
        error.starts_with("Error: cannot start pipelines: cannot start receiver otlp: http: cannot listen on"),
        "{said}"
    );
    assert!(
        error.contains(&format!("{address}: Address already in use")) && error.contains("another program"),
        "{said}"
    );
}
