//! How a request is refused, in the words of gRPC and of HTTP.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use pipeline::{Code, Rejected, RejectedKind};
use prost::Message;
use serde_json::json;
use transport::header::{HeaderName, HeaderValue};
use transport::{HeaderMap, Status, StatusCode};

/// A request that was not taken.
#[derive(Debug)]
pub struct Refusal {
    pub code: Code,
    pub message: String,
    /// When to come back, if the pipeline said so.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// A request that cannot be read; sending it again would not help.
    pub fn malformed(error: impl std::fmt::Display) -> Self {
        Self::new(Code::InvalidArgument, format!("malformed request: {error}"))
    }

    fn status(&self) -> Status {
        let code = self.code as i32;
        match self.retry_after {
            Some(delay) => Status::with_delay(code, self.message.clone(), delay),
            None => Status { code, message: self.message.clone(), ..Status::default() },
        }
    }

    /// The headers, or trailers, that end a gRPC call.
    pub fn trailers(&self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        let mut put = |name, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                trailers.insert(HeaderName::from_static(name), value);
            }
        };
        put("grpc-status", (self.code as i32).to_string());
        put("grpc-message", percent_encoded(&self.message));
        if self.retry_after.is_some() {
            put("grpc-status-details-bin", STANDARD_NO_PAD.encode(self.status().encode_to_vec()));
        }
        trailers
    }

    /// As protobuf, for the body of an HTTP answer.
    pub fn to_protobuf(&self) -> Vec<u8> {
        self.status().encode_to_vec()
    }

    /// As JSON, for the body of an HTTP answer.
    pub fn to_json(&self) -> Vec<u8> {
        let mut status = json!({"code": self.code as i32, "message": self.message});
        if let Some(delay) = self.retry_after {
            let delay = format!("{}.{:09}s", delay.as_secs(), delay.subsec_nanos());
            status["details"] = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]);
        }
        status.to_string().into_bytes()
    }

    /// The HTTP status that says the same.
    pub fn http_status(&self) -> StatusCode {
        match self.code {
            Code::Cancelled | Code::DeadlineExceeded | Code::Aborted => StatusCode::SERVICE_UNAVAILABLE,
            Code::OutOfRange | Code::Unavailable | Code::DataLoss => StatusCode::SERVICE_UNAVAILABLE,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::InvalidArgument => StatusCode::BAD_REQUEST,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::Unimplemented => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whole seconds to wait, rounded up, where HTTP says when to come back.
    pub fn retry_seconds(&self) -> Option<u64> {
        let says_when = matches!(self.http_status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        self.retry_after.filter(|_| says_when).map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }
}

impl From<Rejected> for Refusal {
    fn from(rejected: Rejected) -> Self {
        let code = rejected.code.unwrap_or(match rejected.kind {
            RejectedKind::Permanent => Code::Internal,
            RejectedKind::Retryable | RejectedKind::Closed => Code::Unavailable,
        });
        Self { code, message: rejected.reason.into_owned(), retry_after: rejected.retry_after }
    }
}

/// What a trailer cannot carry, as gRPC has it.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}
