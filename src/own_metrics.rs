//! kpulse's own metrics as a Prometheus page: `service::telemetry::metrics::readers`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exporters::prometheus::{Config, Store, server};
use pipeline::{PrometheusReader, Reader, StartError, Tasks, Telemetry};

/// What a page under way may take when its reader is stopped.
const PATIENCE: Duration = Duration::from_secs(1);

/// The readers that run.
pub struct Readers {
    telemetry: Telemetry,
    running: Vec<(PrometheusReader, Tasks)>,
}

impl Readers {
    /// None yet.
    pub fn new(telemetry: &Telemetry) -> Self {
        Self { telemetry: telemetry.clone(), running: Vec::new() }
    }

    /// Goes over to `wanted`: those that are the same stay.
    ///
    /// # Errors
    /// When an address cannot be used. Those before it run.
    pub async fn change(&mut self, wanted: &[Reader]) -> Result<(), StartError> {
        let wanted: Vec<_> = wanted.iter().map(|reader| &reader.pull.exporter.prometheus).collect();
        let gone: Vec<_> = self.running.extract_if(.., |(reader, _)| !wanted.contains(&&*reader)).collect();
        for (_, tasks) in gone {
            tasks.end(PATIENCE).await;
        }
        for reader in wanted {
            if !self.running.iter().any(|(running, _)| running == reader) {
                let tasks = self.start(reader).await?;
                self.running.push((reader.clone(), tasks));
            }
        }
        Ok(())
    }

    async fn start(&self, reader: &PrometheusReader) -> Result<Tasks, StartError> {
        let address = format!("{}:{}", reader.host, reader.port);
        let listener = server::listen(&address).await?;
        let (telemetry, mut tasks) = (self.telemetry.clone(), Tasks::default());
        let render = Arc::new(move || page(&telemetry));
        tasks.spawn(format!("own metrics on {address}"), server::serve(listener, render, tasks.stop()));
        Ok(tasks)
    }
}

/// The Collector's own page has no suffixes and no scope labels by default.
fn page(telemetry: &Telemetry) -> String {
    let config = Config { add_metric_suffixes: false, without_scope_info: true, ..Config::default() };
    let mut store = Store::new(config);
    if let Some(mut snapshot) = telemetry.snapshot() {
        for resource in &mut snapshot.resource_metrics {
            resource.resource = None;
        }
        store.update(&snapshot, Instant::now(), &mut |_| {});
    }
    store.page(Instant::now()).text
}
