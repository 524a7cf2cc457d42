//! Who is let in.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::agent::{Agent, PATIENCE};
use crate::answers::{method, wire};
use crate::client::{code, framed, send};
use crate::{address, path};

/// RFC 7617: me:bar
const ME: &str = "Basic bWU6YmFy";

fn logs() -> Value {
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}]}]}]})
}

fn start() -> Agent {
    let pipeline = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/clients.yaml");
    Agent::start_with(pipeline, &[])
}

#[test]
fn over_http_who_does_not_say_the_password_gets_401_and_nothing_comes_in() {
    let mut agent = start();
    let to = address(&agent, "http");
    let body = logs().to_string();
    for (value, why) in [
        ("", "no basic auth provided"),
        ("Bearer one", "invalid authorization scheme prefix"),
        ("Basic bWU6YmF6", "invalid credentials"),
    ] {
        let headers = [("content-type", "application/json"), ("authorization", value)];
        let said = send(to, &format!("POST {}", path("logs")), &headers, body.as_bytes());
        assert_eq!((said.status, said.text()), (401, format!(r#"{{"code":16,"message":"{why}"}}"#)));
    }
    let headers = [("content-type", "application/json"), ("authorization", ME)];
    for _ in 0..2 {
        assert_eq!(send(to, &format!("POST {}", path("logs")), &headers, body.as_bytes()).status, 200);
    }
    agent.wait_for("what was let in", |agent| agent.lines().len() >= 2);
    let lines = agent.lines();
    assert_eq!(lines.len(), 2);
    let attributes = &lines[0]["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"];
    assert_eq!(*attributes, json!([{"key": "sender", "value": {"stringValue": "me"}}]));
}

#[tokio::test]
async fn over_grpc_who_does_not_say_a_token_is_unauthenticated() {
    let agent = start();
    let to = address(&agent, "grpc");
    let body = framed(0, &wire("logs", &logs()));
    for (value, wanted) in [("Bearer one", "0"), ("Bearer two", "0"), ("Bearer three", "16"), ("one", "16")] {
        let (said, _) = code(to, method("logs"), &[("authorization", value)], body.clone()).await;
        assert_eq!(said, wanted, "{value}");
    }
}

#[test]
fn what_a_sender_says_of_itself_goes_on_with_what_it_sent() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("exporters.otlp_http.endpoint=http://{}", backend.local_addr().unwrap());
    let pipeline = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/tenants.yaml");
    let agent = Agent::start_with(pipeline, &[&endpoint]);
    let to = address(&agent, "http");
    let sending = std::thread::spawn(move || {
        let headers = [("content-type", "application/json"), ("authorization", ME), ("tenant", "blue")];
        send(to, &format!("POST {}", path("logs")), &headers, logs().to_string().as_bytes()).status
    });
    let (mut stream, _) = backend.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert_eq!(sending.join().unwrap(), 200);
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let mut lines: Vec<_> =
        head.lines().filter(|line| line.starts_with("x-") || line.starts_with("authorization")).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["authorization: bearer secret", "x-scope-orgid: blue", "x-user: me"]);
}
