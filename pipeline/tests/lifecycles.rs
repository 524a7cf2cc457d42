use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use config::{Decoder, Node, Rules};

use super::batches::logs;
use crate::component::*;
use crate::*;

static DELIVERED: AtomicU32 = AtomicU32::new(0);

config::settings! {
    /// A receiver that sends its last batch when it is told to stop.
    pub struct Source {
        /// Whether it panics instead.
        pub panics: bool = false,
    }
}
impl Rules for Source {
    fn rules(&self, _: &mut Decoder) {}
}

impl ReceiverConfig for Source {
    fn build(&self, _: BuildContext) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Receiver for Source {
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError> {
        let (outlet, mut stop) = (outlets.get(Signal::Logs).unwrap().clone(), tasks.stop());
        tasks.spawn("source", async move {
            assert!(!self.panics, "told to");
            stop.requested().await;
            outlet.offer(logs(5));
        });
        Ok(())
    }
}

config::settings! {
    /// An exporter that counts, slowly.
    pub struct Sink {}
}
impl Rules for Sink {}

impl ExporterConfig for Sink {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        Ok(Arc::new(Sink {}))
    }
}

#[async_trait]
impl Exporter for Sink {
    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        DELIVERED.fetch_add(batch.items(), Ordering::Relaxed);
        Ok(())
    }
}

static SOURCE: ReceiverFactory = Factory {
    name: "source",
    alias: None,
    signals: &[Signal::Logs],
    stability: Stability::Alpha,
    sample: "",
    fields: &[],
    decode: |node, decoder| Box::new(decode::<Source>(node, decoder)),
};
static SINK: ExporterFactory = Factory {
    name: "sink",
    alias: Some("drain"),
    signals: &[Signal::Logs],
    stability: Stability::Alpha,
    sample: "",
    fields: &[],
    decode: |node, decoder| Box::new(decode::<Sink>(node, decoder)),
};
static TABLES: Tables =
    Tables { receivers: &[&SOURCE], processors: &[], exporters: &[&SINK], connectors: &[], extensions: &[] };

fn settings(text: &str) -> Result<Settings, config::Errors> {
    let node: Node = config::parse(text, &Arc::from("test")).unwrap();
    Settings::decode(&node, TABLES)
}

const GOOD: &str = "receivers: {source: }\nexporters: {drain: }\nservice: {pipelines: {logs: {receivers: [source], exporters: [drain]}}}";

#[tokio::test]
async fn what_a_receiver_sends_while_stopping_still_reaches_the_exporter() {
    let telemetry = Telemetry::new("test");
    let running = Graph::build(&settings(GOOD).unwrap(), &telemetry).unwrap().start().await.unwrap();
    assert_eq!(running.stop(Duration::from_secs(5)).await, Stopped::Drained);
    assert_eq!(DELIVERED.load(Ordering::Relaxed), 5);
    let mut text = Vec::new();
    Batch::new(telemetry.snapshot().unwrap(), Arc::default()).write_json(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("otelcol_receiver_accepted_log_records"), "{text}");
    assert!(text.contains(r#""asInt":"5""#), "{text}");
}

#[tokio::test]
async fn a_task_that_panics_is_a_fault_of_the_service() {
    let text = GOOD.replace("source: }", "source: {panics: true}}");
    let mut running = Graph::build(&settings(&text).unwrap(), &Telemetry::new("test")).unwrap().start().await.unwrap();
    let fault = tokio::time::timeout(Duration::from_secs(5), running.fault()).await.unwrap();
    assert!(fault.starts_with("source panicked: "), "{fault}");
}

#[test]
fn every_fault_of_a_whole_configuration_is_reported_at_once() {
    let bad = "receivers: {source: {panic: true}, sauce: }\nexporters: {sink/: }\nservise: {}\nservice: {pipelines: {logs: {receivers: [sourc], exporters: []}, tracez: {}, metrics: {receivers: [source], exporters: [sink]}}}";
    let text = settings(bad).err().unwrap().to_string();
    for wanted in [
        "unknown key \"servise\"; did you mean \"service\"?",
        "receivers::source: unknown key \"panic\"; did you mean \"panics\"?",
        "receivers::sauce: unknown type \"sauce\"; did you mean \"source\"?",
        "exporters::sink/: in \"sink/\": the part after / should not be empty",
        "service::pipelines::tracez: unknown pipeline signal \"tracez\"; did you mean \"traces\"?",
        "service::pipelines::logs: references receiver \"sourc\" which is not configured; did you mean \"source\"?",
        "service::pipelines::logs: must have at least one exporter",
        "service::pipelines::metrics: receiver \"source\" does not support metrics, only logs",
        "service::pipelines::metrics: references exporter \"sink\" which is not configured",
    ] {
        assert!(text.contains(wanted), "missing {wanted:?} in:\n{text}");
    }
    assert_eq!(text.lines().count(), 9, "{text}");
}

#[test]
fn an_empty_configuration_says_so() {
    let text = settings("").err().unwrap().to_string();
    assert_eq!(text, "the configuration is empty\nservice::pipelines: service must have at least one pipeline");
}
