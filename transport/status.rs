//! `google.rpc.Status`: how OTLP servers say what went wrong, over gRPC and over HTTP.

use std::time::Duration;

use prost::Message;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// The error model of gRPC.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// A gRPC code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// What went wrong.
    #[prost(string, tag = "2")]
    pub message: String,
    /// More, by type.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub struct Detail {
    /// Which message it is.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The message.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: bytes::Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Status {
    /// How long the server asks to wait; a zero wait is an answer too.
    pub fn retry_delay(&self) -> Option<Duration> {
        let detail = self.details.iter().find(|detail| detail.type_url == RETRY_INFO)?;
        let delay = RetryInfo::decode(detail.value.clone()).ok()?.retry_delay.unwrap_or_default();
        Some(Duration::new(delay.seconds.try_into().unwrap_or(0), delay.nanos.clamp(0, 999_999_999).unsigned_abs()))
    }

    /// A status that asks for a wait.
    pub fn with_delay(code: i32, message: impl Into<String>, delay: Duration) -> Self {
        let delay =
            Delay { seconds: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX), nanos: delay.subsec_nanos() as i32 };
        let value = RetryInfo { retry_delay: Some(delay) }.encode_to_vec().into();
        Self { code, message: message.into(), details: vec![Detail { type_url: RETRY_INFO.into(), value }] }
    }
}
