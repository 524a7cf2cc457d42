//! The answer to an export: the same message for all four signals, but for one name in JSON.

use pipeline::Signal;
use prost::Message;
use serde_json::json;

use super::intake::Partly;

#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// As protobuf.
pub fn to_protobuf(partly: &Partly) -> Vec<u8> {
    let partial_success = PartialSuccess { rejected: partly.rejected.into(), error_message: partly.message.clone() };
    ExportResponse { partial_success: Some(partial_success) }.encode_to_vec()
}

/// As JSON.
pub fn to_json(signal: Signal, partly: &Partly) -> Vec<u8> {
    if *partly == Partly::default() {
        return br#"{"partialSuccess":{}}"#.to_vec();
    }
    let rejected = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Metrics => "rejectedDataPoints",
        Signal::Logs => "rejectedLogRecords",
        Signal::Profiles => "rejectedProfiles",
    };
    let partial = json!({rejected: partly.rejected.to_string(), "errorMessage": partly.message});
    json!({"partialSuccess": partial}).to_string().into_bytes()
}
