//! Own metrics to an OTLP receiver, again and again.

use std::sync::Arc;
use std::time::Duration;

use config::{Decoder, Map, Node, Value};
use exporters::{otlp_grpc, otlp_http};
use pipeline::component::{BuildContext, Exporter};
use pipeline::{Batch, OtlpPush, Periodic, Protocol, Rejected, StartError, Stop, Tasks};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Source;

/// Builds the exporter and sends from now on.
pub async fn start(settings: &Periodic, source: Source, tasks: &mut Tasks) -> Result<(), StartError> {
    let Some(otlp) = &settings.exporter.otlp else { return Ok(()) };
    let failed = |e: String| StartError(format!("cannot send own metrics to {}: {e}", otlp.url()));
    let exporter = exporter(otlp, &source).map_err(failed)?;
    exporter.start(tasks).await.map_err(|e| failed(e.to_string()))?;
    let millis = |number: u32| Duration::from_millis(number.into());
    let push = Push { exporter, source, limit: millis(settings.timeout) };
    tasks.spawn(format!("own metrics to {}", otlp.url()), push.run(millis(settings.interval), tasks.stop()));
    Ok(())
}

struct Push {
    exporter: Arc<dyn Exporter>,
    source: Source,
    limit: Duration,
}

impl Push {
    async fn run(self, every: Duration, mut stop: Stop) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            tokio::select! {
                _ = ticks.tick() => self.send().await,
                () = stop.requested() => break,
            }
        }
        // The last values are worth having too.
        self.send().await;
        self.exporter.shutdown().await;
    }

    async fn send(&self) {
        let Some(snapshot) = self.source.snapshot() else { return };
        let sending = self.exporter.send(Batch::new(snapshot, Arc::default()));
        let answer = timeout(self.limit, sending).await;
        if let Err(error) = answer.unwrap_or_else(|_| Err(Rejected::retryable("no answer in time"))) {
            tracing::warn!(%error, "cannot send own metrics");
        }
    }
}

/// The exporter that pipelines use, with the settings of this reader.
fn exporter(otlp: &OtlpPush, source: &Source) -> Result<Arc<dyn Exporter>, String> {
    let factory = match otlp.protocol {
        Protocol::Grpc => &otlp_grpc::FACTORY,
        Protocol::HttpProtobuf | Protocol::HttpJson => &otlp_http::FACTORY,
    };
    let mut decoder = Decoder::default();
    let config = (factory.decode)(&settings(otlp), &mut decoder);
    config.validate(&mut decoder);
    let faults = decoder.finish();
    if !faults.0.is_empty() {
        return Err(faults.to_string());
    }
    let id = factory.name.parse()?;
    config.build(BuildContext::new(id, source.telemetry.clone())).map_err(|e| e.to_string())
}

fn settings(otlp: &OtlpPush) -> Node {
    let flag = |value| Node::of(Value::Bool(value));
    let tls = Node::map([
        ("insecure", flag(otlp.insecure)),
        ("ca_file", Node::text(&otlp.certificate)),
        ("cert_file", Node::text(&otlp.client_certificate)),
        ("key_file", Node::text(&otlp.client_key)),
    ]);
    let headers: Map = otlp.headers.iter().map(|h| (h.name.clone(), Node::text(h.value.reveal()))).collect();
    let compression = if otlp.compression.is_empty() { "none" } else { &otlp.compression };
    let url = otlp.url();
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
    let endpoint = if otlp.protocol != Protocol::Grpc && has_path { "metrics_endpoint" } else { "endpoint" };
    let mut settings = vec![
        (endpoint, Node::text(url)),
        ("tls", tls),
        ("headers", Node::of(Value::Map(headers))),
        ("compression", Node::text(compression)),
        ("timeout", Node::text(format!("{}ms", otlp.timeout))),
    ];
    if otlp.protocol == Protocol::HttpJson {
        settings.push(("encoding", Node::text("json")));
    }
    Node::map(settings)
}
