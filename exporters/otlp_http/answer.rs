//! What an HTTP answer means.

use std::time::{Duration, SystemTime};

use pipeline::{Code, Rejected};
use prost::Message;
use serde_json::Value;
use transport::{Answer, Status, StatusCode, Uri, header};

use crate::otlp::{ExportResponse, PartialSuccess};

/// The server's response, or why the batch was not taken.
pub fn judge(url: &Uri, answer: &Answer) -> Result<ExportResponse, Rejected> {
    if answer.status.is_success() {
        return response(answer).map_err(|e| Rejected::permanent(format!("{url} took it, but answered: {e}")));
    }
    let said = describe(answer);
    let reason = format!("request to {url} responded with HTTP Status Code {}{said}", answer.status.as_u16());
    let rejected = match answer.status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Rejected { retry_after: retry_after(answer, SystemTime::now()), ..Rejected::retryable(reason) }
        }
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Rejected::retryable(reason),
        _ => Rejected::permanent(reason),
    };
    Err(Rejected { code: Some(code(answer.status)), ..rejected })
}

/// The gRPC code that says the same.
fn code(status: StatusCode) -> Code {
    match status.as_u16() {
        400 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 => Code::ResourceExhausted,
        502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

fn is(answer: &Answer, kind: &str) -> bool {
    let found = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    found.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

/// An answer of another kind says nothing, as in the Collector.
fn response(answer: &Answer) -> Result<ExportResponse, String> {
    if answer.body.is_empty() {
        Ok(ExportResponse::default())
    } else if is(answer, "application/x-protobuf") {
        ExportResponse::decode(answer.body.clone()).map_err(|e| e.to_string())
    } else if is(answer, "application/json") {
        json(&answer.body).map_err(|e| e.to_string())
    } else {
        Ok(ExportResponse::default())
    }
}

fn json(body: &[u8]) -> serde_json::Result<ExportResponse> {
    let tree: Value = serde_json::from_slice(body)?;
    let partial = &tree["partialSuccess"];
    // The key is rejectedSpans, rejectedDataPoints ...; there is one, a decimal string or a number.
    let rejected = partial.as_object().into_iter().flatten().find(|(key, _)| key.starts_with("rejected"));
    let rejected = rejected.and_then(|(_, value)| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
    let error_message = partial["errorMessage"].as_str().unwrap_or_default().to_owned();
    let partial_success = Some(PartialSuccess { rejected: rejected.unwrap_or(0), error_message });
    Ok(ExportResponse { partial_success })
}

/// The server's own words, if it sent a status.
fn describe(answer: &Answer) -> String {
    let message = if is(answer, "application/json") {
        let tree = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        tree["message"].as_str().unwrap_or_default().to_owned()
    } else if is(answer, "application/x-protobuf") {
        Status::decode(answer.body.clone()).unwrap_or_default().message
    } else {
        String::new()
    };
    if message.is_empty() { message } else { format!(", Message={message}") }
}

/// How long the server asks to wait: seconds, or a date.
pub fn retry_after(answer: &Answer, now: SystemTime) -> Option<Duration> {
    let text = answer.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default())
}
