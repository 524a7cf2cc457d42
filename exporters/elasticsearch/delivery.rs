//! Bulk requests, and what is left of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use pipeline::Rejected;
use transport::{Answer, Chunks, Client, Compression, HeaderMap, Method, NoAnswer, Request, StatusCode, Uri};

use super::answer::{self, Verdict};
use super::counts::Counts;
use super::documents::{Bulk, Documents};
use super::settings::Config;
use crate::otlp_http::answer::retry_after;

/// Bodies above this are compressed on another thread: the runtime has one, and others wait for it.
const BLOCKING_BYTES: usize = 64 * 1024;
/// Room for what the server says of one document.
const VERDICT_BYTES: usize = 2048;
const ANSWER_BYTES: usize = 64 * 1024;

/// Sends bulk requests to the nodes of a cluster in turn.
pub struct Sender {
    endpoints: Vec<Uri>,
    next: AtomicUsize,
    headers: HeaderMap,
    compression: Compression,
    retry_on_status: Vec<u16>,
    logs: Logs,
    pub counts: Counts,
}

/// Which bodies are written to the log.
#[derive(Clone, Copy)]
struct Logs {
    requests: bool,
    answers: bool,
    failed: bool,
}

/// Why a request failed as a whole.
enum Failure {
    TooLarge(String),
    Other(Rejected),
}

impl Sender {
    pub fn new(config: &Config, endpoints: Vec<Uri>, headers: HeaderMap, counts: Counts) -> Self {
        let (requests, answers) = (config.log_request_body, config.log_response_body);
        Self {
            endpoints,
            next: AtomicUsize::new(0),
            headers,
            compression: config.compression,
            retry_on_status: config.retry.retry_on_status.0.clone(),
            logs: Logs { requests, answers, failed: config.log_failed_docs_input },
            counts,
        }
    }

    pub fn speaks_tls(&self) -> bool {
        self.endpoints.iter().any(|url| url.scheme_str() == Some("https"))
    }

    /// Sends all documents. What may be taken later comes back, with the failure if it was one of a whole request.
    pub async fn deliver(&self, client: &Client, documents: &Documents) -> (Vec<Arc<Bulk>>, Option<Rejected>) {
        let mut waiting: VecDeque<_> = documents.bulks.iter().cloned().collect();
        let mut left = Vec::new();
        while let Some(bulk) = waiting.pop_front() {
            match self.send(client, &bulk).await {
                Ok(again) if again.is_empty() => {}
                Ok(again) => left.push(Arc::new(bulk.part(again.into_iter()))),
                Err(Failure::TooLarge(reason)) => self.halve(&bulk, reason, &mut waiting),
                Err(Failure::Other(rejected)) => {
                    left.push(bulk);
                    left.extend(waiting);
                    return (left, Some(rejected));
                }
            }
        }
        (left, None)
    }

    /// Two requests instead of one that is too large; one document alone cannot be cut.
    fn halve(&self, bulk: &Bulk, reason: String, waiting: &mut VecDeque<Arc<Bulk>>) {
        let count = bulk.documents.len();
        if let [document] = bulk.documents.as_slice() {
            let status = StatusCode::PAYLOAD_TOO_LARGE.as_u16();
            let kind = "document_too_large".to_owned();
            let verdict = Verdict { status, kind, reason, index: String::new(), is_in_failure_store: false };
            return self.counts.rejected(&verdict, document.items.len());
        }
        waiting.push_front(Arc::new(bulk.part(count / 2..count)));
        waiting.push_front(Arc::new(bulk.part(0..count / 2)));
    }

    /// Sends one request; the numbers of documents that are to be sent again come back.
    async fn send(&self, client: &Client, bulk: &Bulk) -> Result<Vec<usize>, Failure> {
        let other = |rejected| Err(Failure::Other(rejected));
        let body = match self.body(bulk).await {
            Ok(body) => body,
            Err(error) => return other(Rejected::permanent(format!("cannot compress: {error}"))),
        };
        if self.logs.requests {
            tracing::debug!(body = %String::from_utf8_lossy(&bulk.plain), "bulk request");
        }
        let was_tried = bulk.try_now();
        let start = Instant::now();
        let answer = self.ask(client, &body, bulk.documents.len()).await;
        let status = answer.as_ref().ok().map(|answer| answer.status.as_u16());
        self.counts.request(status, body.len(), bulk.plain.len(), start.elapsed());
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return other(Rejected::retryable(format!("failed to make an HTTP request: {error}"))),
        };
        if self.logs.answers {
            tracing::debug!(body = %String::from_utf8_lossy(&answer.body), "answer to a bulk request");
        }
        self.judge_whole(&answer)?;
        match answer::verdicts(&answer, bulk.documents.len()) {
            Ok(verdicts) => Ok(self.judge(bulk, &verdicts, was_tried)),
            Err(error) => other(Rejected::permanent(format!("Elasticsearch took the request, but {error}"))),
        }
    }

    /// Asks the nodes in turn until one answers.
    async fn ask(&self, client: &Client, body: &Bytes, documents: usize) -> Result<Answer, NoAnswer> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut tried = 0;
        loop {
            let mut request = Request::new(Chunks::new([body.clone()]));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = self.endpoints[(first + tried) % self.endpoints.len()].clone();
            request.headers_mut().extend(self.headers.clone());
            let answer = client.send_for(request, ANSWER_BYTES + documents * VERDICT_BYTES).await;
            tried += 1;
            if answer.is_ok() || tried >= self.endpoints.len() {
                return answer;
            }
        }
    }

    /// The body as it is sent, made once.
    async fn body(&self, bulk: &Bulk) -> std::io::Result<Bytes> {
        if let Some(body) = bulk.packed.get() {
            return Ok(body.clone());
        }
        let (plain, compression) = (bulk.plain.clone(), self.compression);
        let body = if plain.len() < BLOCKING_BYTES {
            compression.compress(plain)?
        } else {
            tokio::task::spawn_blocking(move || compression.compress(plain)).await??
        };
        Ok(bulk.packed.get_or_init(|| body).clone())
    }

    fn judge_whole(&self, answer: &Answer) -> Result<(), Failure> {
        let status = answer.status;
        if status.is_success() {
            return Ok(());
        }
        let said = answer::explanation(answer);
        let reason = format!("bulk request responded with HTTP Status Code {}{said}", status.as_u16());
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Err(Failure::TooLarge(reason));
        }
        if !self.retry_on_status.contains(&status.as_u16()) {
            return Err(Failure::Other(Rejected::permanent(reason)));
        }
        let retry_after = retry_after(answer, SystemTime::now());
        Err(Failure::Other(Rejected { retry_after, ..Rejected::retryable(reason) }))
    }

    /// Counts what was taken and what never will be; the rest is to be sent again.
    fn judge(&self, bulk: &Bulk, verdicts: &[Verdict], was_tried: bool) -> Vec<usize> {
        let (mut taken, mut stored, mut again) = (0, 0, Vec::new());
        for (at, verdict) in verdicts.iter().enumerate() {
            // A duplicate of what was sent before is what was sent before: only its answer got lost.
            if verdict.is_taken() || (verdict.is_duplicate() && was_tried) {
                *(if verdict.is_in_failure_store { &mut stored } else { &mut taken }) += 1;
            } else if self.retry_on_status.contains(&verdict.status) {
                again.push(at);
            } else {
                self.reject(bulk, at, verdict);
            }
        }
        self.counts.delivered(taken, "success");
        self.counts.delivered(stored, "failure_store");
        self.counts.retried(again.len());
        again
    }

    fn reject(&self, bulk: &Bulk, at: usize, verdict: &Verdict) {
        self.counts.rejected(verdict, bulk.documents[at].items.len());
        if self.logs.failed {
            let input = String::from_utf8_lossy(&bulk.lines(at)).into_owned();
            tracing::debug!(input, error = verdict.kind, "failed to index document; input may contain sensitive data");
        }
    }
}
