//! Stacks around a leaf that follows a script. Time stands still unless somebody waits.

mod batch;
mod queue;
mod retry;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::Delivery;
use crate::component::Exporter;
use crate::graph::{Built, New, Print};
use crate::running::ExporterPart;
use crate::storage::Storages;
use crate::tests::batches::logs;
use crate::{Batch, Code, Extensions, Next, Rejected, Running, Settings, Signal, Telemetry};

/// One answer of the leaf and how long it takes.
pub struct Answer(pub Duration, pub Result<(), Rejected>);

/// Gives the answers in turn, and then only `Ok`.
#[derive(Default)]
pub struct Leaf {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Batch>>,
}

#[async_trait]
impl Exporter for Leaf {
    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        self.seen.lock().unwrap().push(batch);
        let answer = self.answers.lock().unwrap().pop_front();
        let Some(Answer(takes, answer)) = answer else { return Ok(()) };
        tokio::time::sleep(takes).await;
        answer
    }
}

impl Leaf {
    pub fn items(&self) -> Vec<u32> {
        self.seen.lock().unwrap().iter().map(Batch::items).collect()
    }

    pub fn sizes(&self) -> Vec<u64> {
        self.seen.lock().unwrap().iter().map(|batch| batch.encode().len() as u64).collect()
    }

    pub fn metadata(&self) -> Vec<Vec<(String, String)>> {
        self.seen.lock().unwrap().iter().map(|batch| batch.origin().metadata.clone()).collect()
    }
}

pub struct Bench {
    pub next: Next,
    pub leaf: Arc<Leaf>,
    telemetry: Telemetry,
    part: ExporterPart,
}

pub async fn bench(delivery: &Delivery, answers: impl IntoIterator<Item = Answer>) -> Bench {
    bench_with(delivery, answers, None).await
}

/// With the telemetry that it counts and traces with.
pub async fn bench_traced(delivery: &Delivery, answers: impl IntoIterator<Item = Answer>) -> (Bench, Telemetry) {
    let bench = bench(delivery, answers).await;
    let telemetry = bench.telemetry.clone();
    (bench, telemetry)
}

pub async fn bench_with(
    delivery: &Delivery,
    answers: impl IntoIterator<Item = Answer>,
    storages: Option<Arc<dyn Storages>>,
) -> Bench {
    let leaf = Arc::new(Leaf { answers: Mutex::new(answers.into_iter().collect()), ..Leaf::default() });
    let telemetry = Telemetry::new("test").detailed();
    let print = Print { settings: config::Node::default(), extensions: Extensions::default() };
    let component = Built { exporter: leaf.clone(), delivery: delivery.clone(), storages };
    let mut part = ExporterPart::new(New { id: "leaf/x".parse().unwrap(), print, component });
    let next = part.end(Signal::Logs, &telemetry).await.unwrap();
    Bench { next, leaf, telemetry, part }
}

impl Bench {
    /// The running service of this stack alone.
    pub fn running(self) -> (Running, Arc<Leaf>, Counts) {
        let Self { leaf, telemetry, part, .. } = self;
        let mut running = Running::new(Settings::default(), telemetry.clone());
        running.exporters.push(part);
        (running, leaf, Counts(telemetry))
    }

    pub fn count(&self, name: &str) -> Option<u64> {
        Counts(self.telemetry.clone()).of(name)
    }

    pub fn histogram(&self, name: &str) -> Option<(u64, f64)> {
        Counts(self.telemetry.clone()).histogram(name)
    }

    /// The value of the series with this label.
    pub fn count_with(&self, name: &str, label: &str, value: &str) -> Option<u64> {
        let metric = Counts(self.telemetry.clone()).metric(name)?;
        let has = |point: &&serde_json::Value| {
            let mut labels = point["attributes"].as_array().into_iter().flatten();
            labels.any(|known| known["key"] == label && known["value"]["stringValue"] == value)
        };
        metric["sum"]["dataPoints"].as_array()?.iter().find(has)?["asInt"].as_str()?.parse().ok()
    }
}

pub struct Counts(Telemetry);

impl Counts {
    /// The value of a metric that has one series.
    pub fn of(&self, name: &str) -> Option<u64> {
        let metric = self.metric(name)?;
        let points = if metric["sum"].is_null() { &metric["gauge"] } else { &metric["sum"] };
        // One that says why it failed is a series of its own.
        points["dataPoints"].as_array()?.iter().map(|point| point["asInt"].as_str()?.parse::<u64>().ok()).sum()
    }

    /// Count and sum of a histogram that has one series.
    pub fn histogram(&self, name: &str) -> Option<(u64, f64)> {
        let point = &self.metric(name)?["histogram"]["dataPoints"][0];
        Some((point["count"].as_str()?.parse().ok()?, point["sum"].as_f64()?))
    }

    fn metric(&self, name: &str) -> Option<serde_json::Value> {
        let mut text = Vec::new();
        Batch::new(self.0.snapshot()?, Arc::default()).write_json(&mut text).unwrap();
        let tree: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let metrics = tree["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array()?.clone();
        metrics.into_iter().find(|metric| metric["name"] == name)
    }
}

#[tokio::test]
async fn without_settings_there_are_only_the_counts() {
    let bench = bench(&Delivery::default(), [Answer(Duration::ZERO, Err(Rejected::retryable("busy")))]).await;
    let rejected = bench.next.send(logs(3)).await.unwrap_err();
    assert_eq!(rejected.reason, "busy");
    bench.next.send(logs(4)).await.unwrap();
    assert_eq!(bench.count("otelcol_exporter_send_failed_log_records"), Some(3));
    assert_eq!(bench.count("otelcol_exporter_sent_log_records"), Some(4));
    assert_eq!(bench.count("otelcol_exporter_queue_capacity"), None);
}

#[tokio::test]
async fn what_failed_is_counted_with_its_reason_at_level_detailed() {
    let failures = [
        Rejected { code: Some(Code::Cancelled), ..Rejected::permanent("no") },
        Rejected { code: Some(Code::InvalidArgument), ..Rejected::permanent("no") },
        Rejected::closed("stop"),
        Rejected::retryable("busy"),
    ];
    let answers = failures.map(|rejected| Answer(Duration::ZERO, Err(rejected)));
    let (bench, telemetry) = bench_traced(&Delivery::default(), answers).await;
    for _ in 0..4 {
        assert!(bench.next.send(logs(1)).await.is_err());
    }
    let mut text = Vec::new();
    Batch::new(telemetry.snapshot().unwrap(), Arc::default()).write_json(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    for kind in ["Canceled", "InvalidArgument", "Shutdown", "_OTHER"] {
        assert!(
            text.contains(&format!(r#"{{"key":"error.type","value":{{"stringValue":"{kind}"}}}}"#)),
            "{kind}: {text}"
        );
    }
}
