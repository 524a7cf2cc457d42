//! What the pipelines answer reaches the sender, over gRPC and over HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use transport::{Status, TlsSettings};

use crate::answers::{method, wire};
use crate::client::{call, framed, post};
use crate::{address, requests, start};

/// A backend that answers every request like this.
fn backend(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut seen = Vec::new();
            let mut piece = [0; 4096];
            // The body is short, and comes with the head or right after it.
            while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
                let read = stream.read(&mut piece).unwrap();
                seen.extend_from_slice(&piece[..read]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            let _ = stream.read(&mut piece);
        }
    });
    address
}

/// What a sender is told when the backend says this and nothing is queued or tried again.
fn told(answer: &'static str) -> (u16, Option<String>, String) {
    let backend = backend(answer);
    let to = format!(
        "exporters.otlp_http={{endpoint: 'http://{backend}', sending_queue: {{enabled: false}}, retry_on_failure: {{enabled: false}}}}"
    );
    let agent = start(&[&to, "service.pipelines.logs.exporters=[otlp_http]"]);
    let said = post(address(&agent, "http"), "/v1/logs", "application/json", requests()[2].2.to_string().as_bytes());
    let refused = agent.own_metric("otelcol_receiver_refused_log_records{receiver=\"otlp\",transport=\"http\"}");
    assert_eq!(refused, 1);
    (said.status, said.header("retry-after"), said.text())
}

#[test]
fn a_backends_answer_keeps_its_meaning_all_the_way_back() {
    let (status, wait, text) = told("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_eq!((status, wait), (403, None), "{text}");
    assert!(text.starts_with(r#"{"code":7,"#), "{text}");
    let (status, wait, text) =
        told("HTTP/1.1 503 Away\r\nretry-after: 7\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_eq!((status, wait.as_deref()), (503, Some("7")), "{text}");
    let (status, wait, text) = told("HTTP/1.1 500 Broken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_eq!((status, wait), (500, None), "{text}");
}

#[tokio::test]
async fn a_limit_on_the_way_says_when_to_come_back() {
    let limit =
        "processors.rate_limit={strategy: records, rate: 10, burst: 2, throttle_behavior: error, retry_delay: 1500ms}";
    let agent = start(&[limit, "service.pipelines.metrics.processors=[rate_limit]"]);
    let request = &requests()[1].2;
    let send = || post(address(&agent, "http"), "/v1/metrics", "application/json", request.to_string().as_bytes());
    assert_eq!(send().status, 200, "two points fit");
    let said = send();
    assert_eq!((said.status, said.header("retry-after").as_deref()), (429, Some("2")), "{}", said.text());
    let url = format!("http://{}", address(&agent, "grpc"));
    let body = framed(0, &wire("metrics", request));
    let answer = call(&url, &TlsSettings::default(), method("metrics"), &[], body).await.unwrap();
    assert_eq!(answer.headers["grpc-status"], "8");
    let details = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD_NO_PAD,
        &answer.headers["grpc-status-details-bin"],
    );
    let status: Status = prost::Message::decode(details.unwrap().as_slice()).unwrap();
    assert_eq!(status.retry_delay().unwrap().as_millis(), 1500);
}
