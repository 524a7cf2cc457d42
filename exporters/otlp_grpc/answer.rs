//! What a gRPC answer means.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use pipeline::{Code, Rejected};
use prost::Message;
use transport::{Answer, HeaderMap, Status};

use super::frame;
use crate::otlp::ExportResponse;

/// The server's response, or why the batch was not taken.
pub fn judge(answer: &Answer) -> Result<ExportResponse, Rejected> {
    let status = status(answer);
    if status.code == 0 {
        let internal = |e: String| Rejected::permanent(format!("INTERNAL: {e}"));
        let encoding = answer.headers.get("grpc-encoding").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let message = frame::response(&answer.body, encoding).map_err(internal)?;
        return ExportResponse::decode(message).map_err(|e| internal(e.to_string()));
    }
    let code = Code::of_number(status.code);
    let retry_after = status.retry_delay();
    let may_pass = match code {
        Code::Cancelled | Code::DeadlineExceeded | Code::Aborted => true,
        Code::OutOfRange | Code::Unavailable | Code::DataLoss => true,
        // Without a wait it means that the request itself is too large.
        Code::ResourceExhausted => retry_after.is_some(),
        _ => false,
    };
    let reason = format!("{}: {}", code.name(), status.message);
    let rejected = if may_pass { Rejected::retryable(reason) } else { Rejected::permanent(reason) };
    Err(Rejected { code: Some(code), retry_after: retry_after.filter(|_| may_pass), ..rejected })
}

/// From the trailers, or from the headers when there was no body, or from HTTP when it is no gRPC answer at all.
fn status(answer: &Answer) -> Status {
    let code = |headers: &HeaderMap| headers.get("grpc-status")?.to_str().ok()?.parse::<i32>().ok();
    let found = [&answer.trailers, &answer.headers].into_iter().find_map(|from| Some((code(from)?, from)));
    let Some((code, from)) = found else {
        return Status {
            code: code_of_http(answer.status.as_u16()),
            message: answer.status.to_string(),
            ..Status::default()
        };
    };
    let message = from.get("grpc-message").map(|value| percent_decoded(value.as_bytes())).unwrap_or_default();
    let details = from.get("grpc-status-details-bin").and_then(|value| decoded(value.as_bytes())).unwrap_or_default();
    Status { code, message, details: details.details }
}

/// The protocol's table for answers of proxies.
fn code_of_http(status: u16) -> i32 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

/// Base64 with or without padding.
fn decoded(text: &[u8]) -> Option<Status> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(text).ok()?;
    Status::decode(bytes.as_slice()).ok()
}

fn percent_decoded(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| byte == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let (byte, tail) = match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => (value, tail.get(2..).unwrap_or_default()),
            None => (byte, tail),
        };
        out.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&out).into_owned()
}
