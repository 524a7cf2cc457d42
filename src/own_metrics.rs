//! kpulse's own metrics as a Prometheus page: `service::telemetry::metrics::readers`.

use std::sync::Arc;
use std::time::Instant;

use exporters::prometheus::{Config, Store, server};
use pipeline::{StartError, Tasks, Telemetry};

/// Serves the page on every configured address.
pub async fn start(addresses: &[String], telemetry: &Telemetry, tasks: &mut Tasks) -> Result<(), StartError> {
    for address in addresses {
        let listener = server::listen(address).await?;
        let telemetry = telemetry.clone();
        let render = Arc::new(move || page(&telemetry));
        tasks.spawn(format!("own metrics on {address}"), server::serve(listener, render, tasks.stop()));
    }
    Ok(())
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
