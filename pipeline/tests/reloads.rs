//! From one configuration to the next: what is the same goes on, and nothing gets lost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use config::{Rules, Section};

use super::batches::logs;
use crate::component::*;
use crate::delivery::{Delivery, QueueSettings, RetrySettings};
use crate::*;

const LIMIT: Duration = Duration::from_secs(5);

/// What happened, in order.
static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Sources that run, by name: how the test makes them send.
static OUTLETS: Mutex<VecDeque<(String, Outlet)>> = Mutex::new(VecDeque::new());
/// Only one of these tests at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn event(text: impl Into<String>) {
    EVENTS.lock().unwrap().push(text.into());
}

fn events() -> Vec<String> {
    std::mem::take(&mut EVENTS.lock().unwrap())
}

fn outlet(name: &str) -> Outlet {
    OUTLETS.lock().unwrap().iter().find(|(found, _)| found == name).unwrap().1.clone()
}

config::settings! {
    /// A receiver that sends when the test says so.
    pub struct Source {
        /// Its name in events.
        pub name: String = "source".into(),
    }
}
impl Rules for Source {}

impl ReceiverConfig for Source {
    fn build(&self, _: BuildContext) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Receiver for Source {
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError> {
        event(format!("{} starts", self.name));
        let (outlet, mut stop) = (outlets.get(Signal::Logs).unwrap().clone(), tasks.stop());
        OUTLETS.lock().unwrap().push_front((self.name.clone(), outlet.clone()));
        tasks.spawn(self.name.clone(), async move {
            stop.requested().await;
            outlet.offer(logs(1));
            OUTLETS.lock().unwrap().retain(|(name, _)| *name != self.name);
            event(format!("{} stops", self.name));
        });
        Ok(())
    }
}

config::settings! {
    /// An exporter with a port of its own, or one that reaches a network.
    pub struct Sink {
        /// Its name in events.
        pub name: String = "sink".into(),
        /// Whether its start fails.
        pub broken: bool = false,
        /// Whether every send fails for now.
        pub away: bool = false,
        /// Whether it has a queue and retries.
        pub queue: Section<QueueSettings> = Section::on_when_named(),
    }
}
impl Rules for Sink {}

impl ExporterConfig for Sink {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        Ok(Arc::new(self.clone()))
    }

    fn delivery(&self) -> Delivery {
        let retry = RetrySettings { initial_interval: Duration::from_millis(20), ..RetrySettings::default() };
        let queue = self.queue.get().cloned();
        Delivery { retry: queue.is_some().then_some(retry), queue, ..Delivery::default() }
    }
}

/// Sinks that are away come back.
static BACK: Mutex<bool> = Mutex::new(false);

#[async_trait]
impl Exporter for Sink {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        event(format!("{} starts", self.name));
        if self.broken { Err(StartError("told to".into())) } else { Ok(()) }
    }

    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        if self.away && !*BACK.lock().unwrap() {
            return Err(Rejected::retryable("away"));
        }
        event(format!("{} got {}", self.name, batch.items()));
        Ok(())
    }

    async fn shutdown(&self) {
        event(format!("{} stops", self.name));
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
    alias: None,
    signals: &[Signal::Logs],
    stability: Stability::Alpha,
    sample: "",
    fields: &[],
    decode: |node, decoder| Box::new(decode::<Sink>(node, decoder)),
};
static TABLES: Tables =
    Tables { receivers: &[&SOURCE], processors: &[], exporters: &[&SINK], connectors: &[], extensions: &[] };

fn settings(receivers: &str, exporters: &str, pipelines: &str) -> Settings {
    let text =
        format!("receivers: {{{receivers}}}\nexporters: {{{exporters}}}\nservice: {{pipelines: {{{pipelines}}}}}");
    Settings::decode(&config::parse(&text, &Arc::from("test")).unwrap(), TABLES).unwrap_or_else(|e| panic!("{e}"))
}

const ONE: &str = "logs: {receivers: [source], exporters: [sink]}";

async fn started(settings: &Settings) -> Running {
    EVENTS.lock().unwrap().clear();
    let running = Graph::build(settings, &Telemetry::new("test")).unwrap().start().await.unwrap();
    events();
    running
}

#[tokio::test]
async fn the_same_configuration_restarts_nothing() {
    let _alone = ALONE.lock().await;
    let mut running = started(&settings("source: ", "sink: ", ONE)).await;
    let reloaded = running.reload(&settings("source: , source/unused: ", "sink: ", ONE), LIMIT).await.unwrap();
    assert_eq!((reloaded.is_empty(), events()), (true, vec![]));
    running.stop(LIMIT).await;
}

#[tokio::test]
async fn an_exporter_that_changed_is_replaced_under_a_receiver_that_goes_on() {
    let _alone = ALONE.lock().await;
    let mut running = started(&settings("source: ", "sink: ", ONE)).await;
    outlet("source").send(logs(2)).await.unwrap();
    let reloaded = running.reload(&settings("source: ", "sink: {name: new}", ONE), LIMIT).await.unwrap();
    assert_eq!(reloaded.stopped, ["exporters::sink", "pipelines::logs"]);
    assert_eq!(reloaded.started, reloaded.stopped);
    outlet("source").send(logs(3)).await.unwrap();
    // It has no queue, so it may own a port: the old one stops before the new one starts.
    assert_eq!(events(), ["sink got 2", "sink stops", "new starts", "new got 3"]);
    running.stop(LIMIT).await;
}

#[tokio::test]
async fn a_receiver_that_changed_hands_over_its_last_batch_and_the_exporter_goes_on() {
    let _alone = ALONE.lock().await;
    let mut running = started(&settings("source: ", "sink: ", ONE)).await;
    running.reload(&settings("source: {name: new}", "sink: ", ONE), LIMIT).await.unwrap();
    assert_eq!(events(), ["source stops", "sink got 1", "new starts"]);
    running.stop(LIMIT).await;
}

#[tokio::test]
async fn a_pipeline_that_is_new_gets_what_its_receiver_already_gives() {
    let _alone = ALONE.lock().await;
    let mut running = started(&settings("source: ", "sink: ", ONE)).await;
    let two = format!("{ONE}, logs/2: {{receivers: [source], exporters: [sink/2]}}");
    let reloaded = running.reload(&settings("source: ", "sink: , sink/2: {name: second}", &two), LIMIT).await.unwrap();
    assert_eq!((reloaded.stopped.len(), reloaded.started.len()), (0, 2), "{reloaded:?}");
    outlet("source").send(logs(3)).await.unwrap();
    assert_eq!(events(), ["second starts", "sink got 3", "second got 3"]);
    running.reload(&settings("source: ", "sink: ", ONE), LIMIT).await.unwrap();
    outlet("source").send(logs(4)).await.unwrap();
    assert_eq!(events(), ["second stops", "sink got 4"]);
    running.stop(LIMIT).await;
}

#[tokio::test]
async fn what_cannot_start_leaves_the_former_service_running() {
    let _alone = ALONE.lock().await;
    let mut running = started(&settings("source: ", "sink: ", ONE)).await;
    let error = running.reload(&settings("source: ", "sink: {name: new, broken: true}", ONE), LIMIT).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot start pipelines: cannot start exporter sink: told to");
    assert_eq!(events(), ["sink stops", "new starts", "sink starts"]);
    outlet("source").send(logs(3)).await.unwrap();
    assert_eq!(events(), ["sink got 3"]);
    assert!(running.reload(&settings("source: ", "sink: ", ONE), LIMIT).await.unwrap().is_empty());
    running.stop(LIMIT).await;
}

#[tokio::test]
async fn a_replaced_exporter_still_delivers_what_its_queue_holds() {
    let _alone = ALONE.lock().await;
    *BACK.lock().unwrap() = false;
    let mut running = started(&settings("source: ", "sink: {away: true, queue: }", ONE)).await;
    outlet("source").send(logs(2)).await.unwrap();
    running.reload(&settings("source: ", "sink: {name: new, queue: }", ONE), LIMIT).await.unwrap();
    outlet("source").send(logs(3)).await.unwrap();
    *BACK.lock().unwrap() = true;
    let mut seen = Vec::new();
    let wanted = ["new got 3", "new starts", "sink got 2", "sink stops"];
    tokio::time::timeout(LIMIT, async {
        while seen.len() < wanted.len() {
            seen.extend(events());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{seen:?}"));
    assert_eq!(seen[0], "new starts");
    seen.sort();
    assert_eq!(seen, wanted);
    running.stop(LIMIT).await;
}

#[tokio::test]
async fn batches_wait_while_what_stands_behind_them_is_replaced() {
    let _alone = ALONE.lock().await;
    let mut running = started(&settings("source: ", "sink: ", ONE)).await;
    let source = outlet("source");
    let sending = tokio::spawn(async move {
        for _ in 0..200 {
            source.send(logs(1)).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    for name in ["a", "b", "c"] {
        running.reload(&settings("source: ", &format!("sink: {{name: {name}}}"), ONE), LIMIT).await.unwrap();
        tokio::task::yield_now().await;
    }
    sending.await.unwrap();
    assert_eq!(events().iter().filter(|event| event.ends_with("got 1")).count(), 200);
    running.stop(LIMIT).await;
}
