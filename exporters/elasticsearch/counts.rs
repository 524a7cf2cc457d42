//! What the exporter counts and says of documents.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};
use pipeline::component::BuildContext;

use super::answer::Verdict;

/// The same fault is written to the log once in so long.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Names of faults are the server's: so many are told apart.
const KINDS: usize = 64;

/// Bounds of the times that bulk requests take.
const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Named as in the Collector's exporter, and items by the reason why they were not taken.
#[derive(Debug)]
pub struct Counts {
    exporter: String,
    rejected_items: Counter<u64>,
    documents: Counter<u64>,
    retried: Counter<u64>,
    requests: Counter<u64>,
    seconds: Histogram<f64>,
    sent_bytes: Counter<u64>,
    plain_bytes: Counter<u64>,
    logged: Mutex<HashMap<String, Logged>>,
}

#[derive(Debug)]
struct Logged {
    at: Instant,
    since: u64,
}

impl Counts {
    pub fn new(cx: &BuildContext) -> Self {
        let meter = cx.telemetry.meter();
        let counter = |name, about| meter.u64_counter(name).with_description(about).build();
        let rejected = "Number of items that a server took the request of, but not themselves (partial success).";
        let seconds =
            meter.f64_histogram("otelcol_elasticsearch_bulk_requests_latency").with_boundaries(SECONDS.into());
        Self {
            exporter: cx.id.to_string(),
            rejected_items: counter("kpulse_exporter_rejected_items", rejected),
            documents: counter("otelcol_elasticsearch_docs_processed", "Number of documents, by what became of them."),
            retried: counter("otelcol_elasticsearch_docs_retried", "Number of documents that are sent again."),
            requests: counter("otelcol_elasticsearch_bulk_requests_count", "Number of bulk requests, by outcome."),
            seconds: seconds.with_description("Time from a bulk request to its answer (in seconds).").build(),
            sent_bytes: counter("otelcol_elasticsearch_flushed_bytes", "Bytes of bulk requests as they were sent."),
            plain_bytes: counter(
                "otelcol_elasticsearch_flushed_uncompressed_bytes",
                "Bytes of bulk requests before compression.",
            ),
            logged: Mutex::default(),
        }
    }

    fn labels<const N: usize>(&self, more: [KeyValue; N]) -> Vec<KeyValue> {
        std::iter::once(KeyValue::new("exporter", self.exporter.clone())).chain(more).collect()
    }

    /// A request had this answer, or none.
    pub fn request(&self, status: Option<u16>, sent_bytes: usize, plain_bytes: usize, took: Duration) {
        let labels = self.labels([KeyValue::new("outcome", outcome(status))]);
        self.requests.add(1, &labels);
        self.seconds.record(took.as_secs_f64(), &labels);
        let labels = self.labels([]);
        self.sent_bytes.add(sent_bytes as u64, &labels);
        self.plain_bytes.add(plain_bytes as u64, &labels);
    }

    /// Documents that are there now.
    pub fn delivered(&self, documents: u64, outcome: &'static str) {
        if documents > 0 {
            self.documents.add(documents, &self.labels([KeyValue::new("outcome", outcome)]));
        }
    }

    /// Documents that are sent again.
    pub fn retried(&self, documents: usize) {
        self.retried.add(documents as u64, &self.labels([]));
    }

    /// Items that make no document.
    pub fn dropped(&self, reason: &'static str, items: u32) {
        self.rejected_items.add(items.into(), &self.labels([KeyValue::new("reason", reason)]));
        if let Some(others) = self.is_time_to_log(reason) {
            let exporter = &self.exporter;
            tracing::warn!(
                exporter,
                reason,
                items,
                others,
                "Elasticsearch has no field for these items. Dropping data."
            );
        }
    }

    /// A document that will never be taken, made of so many items.
    pub fn rejected(&self, verdict: &Verdict, items: usize) {
        let kind = if verdict.kind.is_empty() { verdict.status.to_string() } else { verdict.kind.clone() };
        let others = self.is_time_to_log(&kind);
        let kind = self.bounded(kind);
        self.rejected_items.add(items as u64, &self.labels([KeyValue::new("reason", kind.clone())]));
        let outcome = KeyValue::new("outcome", outcome(Some(verdict.status)));
        self.documents.add(1, &self.labels([outcome, KeyValue::new("error_type", kind)]));
        let Some(others) = others else { return };
        let (exporter, index, error, reason) = (&self.exporter, &verdict.index, &verdict.kind, &verdict.reason);
        let (status, hint) = (verdict.status, hint(verdict));
        tracing::error!(
            exporter,
            index,
            status,
            error,
            reason,
            others,
            hint,
            "failed to index document. Dropping data."
        );
    }

    /// How often the same was not logged since the last time, if it is time again.
    fn is_time_to_log(&self, kind: &str) -> Option<u64> {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, is_full) = (Instant::now(), logged.len() >= KINDS);
        match logged.get_mut(kind) {
            Some(last) if now.duration_since(last.at) < LOG_INTERVAL => {
                last.since += 1;
                None
            }
            Some(last) => Some(std::mem::replace(last, Logged { at: now, since: 0 }).since),
            None if is_full => None,
            None => {
                logged.insert(kind.to_owned(), Logged { at: now, since: 0 });
                Some(0)
            }
        }
    }

    fn bounded(&self, kind: String) -> String {
        let logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.contains_key(&kind) { kind } else { "other".into() }
    }
}

fn outcome(status: Option<u16>) -> &'static str {
    match status {
        None => "no_answer",
        Some(429) => "too_many",
        Some(500..) => "failed_server",
        Some(400..) => "failed_client",
        Some(_) => "success",
    }
}

/// What to do about faults that have one cause nearly always.
fn hint(verdict: &Verdict) -> &'static str {
    match verdict.kind.as_str() {
        "index_not_found_exception" => {
            "Elasticsearch 8.16 has templates for these data streams; older ones need them made"
        }
        "document_parsing_exception" | "mapper_parsing_exception" => "the index has another type for one of the fields",
        _ => "",
    }
}
