//! What both protocols do with a request before it is handed over.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use pipeline::Code;
use transport::{Caller, HeaderMap};

use super::refusal::Refusal;

/// A request that is still coming in when the stop begins is given so long.
const PATIENCE_AT_STOP: Duration = Duration::from_secs(5);
/// Work on bodies above this goes to another thread: the runtime has one, and others wait for it.
const BLOCKING_BYTES: usize = 64 * 1024;

/// Waits for a request's body, but not for ever: `limit` is from the settings, and the stop has one of its own.
///
/// # Errors
/// What `body` says, and that it took too long.
pub async fn in_time(
    caller: &Caller,
    limit: Option<Duration>,
    body: impl Future<Output = Result<Bytes, Refusal>>,
) -> Result<Bytes, Refusal> {
    let stopped = async {
        caller.server_stops().await;
        tokio::time::sleep(PATIENCE_AT_STOP).await;
    };
    let late = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        body = body => body,
        () = stopped => Err(Refusal::new(Code::Unavailable, "shutting down")),
        () = late => Err(Refusal::new(Code::DeadlineExceeded, "the request did not come in time")),
    }
}

/// Unpacks or converts a body, on another thread if it is large.
///
/// # Errors
/// What `work` says.
pub async fn convert(
    body: Bytes,
    work: impl FnOnce(Bytes) -> Result<Bytes, Refusal> + Send + 'static,
) -> Result<Bytes, Refusal> {
    if body.len() <= BLOCKING_BYTES {
        return work(body);
    }
    let done = tokio::task::spawn_blocking(move || work(body)).await;
    done.unwrap_or_else(|error| Err(Refusal::new(Code::Internal, format!("cannot read the request: {error}"))))
}

/// What processors may know of a request's headers; names are in lower case already.
pub fn metadata(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &transport::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
