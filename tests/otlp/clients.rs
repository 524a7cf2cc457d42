//! Who is let in.

use serde_json::{Value, json};

use crate::agent::Agent;
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
