//! OTLP into the built command: whole, broken, too large, over TLS, while it stops, and on through connectors.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

#[path = "../agent/mod.rs"]
mod agent;
mod answers;
mod calls;
mod client;
mod clients;
mod connectors;
mod faults;
mod stopping;
mod tls;

pub use agent::address;

use agent::Agent;
use serde_json::{Value, json};

/// An agent with nothing but an OTLP receiver before a file.
pub fn start(settings: &[&str]) -> Agent {
    Agent::start_with(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/pipeline.yaml"), settings)
}

/// One request of each signal as the file exporter writes it, with the items in it.
pub fn requests() -> [(&'static str, &'static str, Value); 4] {
    let attributes = json!([
        {"key": "text", "value": {"stringValue": "ä\u{1f980}\n"}},
        {"key": "number", "value": {"intValue": "-9223372036854775808"}},
        {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": true}, {"doubleValue": "NaN"}, {}]}}},
        {"key": "bytes", "value": {"bytesValue": "AP8="}},
    ]);
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "test"}}]});
    let span = json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "a", "kind": 2,
        "startTimeUnixNano": "18446744073709551615", "attributes": attributes,
        "status": {"message": "no", "code": 2}});
    let point = json!({"timeUnixNano": "7", "asInt": "-5", "attributes": attributes});
    let metric = json!({"name": "m", "unit": "By", "sum": {"dataPoints": [point, point], "aggregationTemporality": 2, "isMonotonic": true}});
    let record =
        json!({"timeUnixNano": "3", "severityNumber": 9, "body": {"stringValue": "x"}, "attributes": attributes});
    let profile = json!({"samples": [{"stackIndex": 1, "values": ["4", "5"]}], "timeUnixNano": "9"});
    [
        (
            "traces",
            "spans",
            json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "s"}, "spans": [span]}]}]}),
        ),
        (
            "metrics",
            "metric_points",
            json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "s"}, "metrics": [metric]}]}]}),
        ),
        (
            "logs",
            "log_records",
            json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": "s"}, "logRecords": [record]}]}]}),
        ),
        (
            "profiles",
            "profile_samples",
            json!({"resourceProfiles": [{"resource": resource, "scopeProfiles": [{"scope": {"name": "s"}, "profiles": [profile]}]}],
            "dictionary": {"stringTable": ["", "cpu"]}}),
        ),
    ]
}

/// The path of a signal.
pub fn path(signal: &str) -> String {
    if signal == "profiles" { "/v1development/profiles".into() } else { format!("/v1/{signal}") }
}
