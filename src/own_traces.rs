//! kpulse's own spans: `service::telemetry::traces`.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue as Label;
use pipeline::component::Exporter;
use pipeline::own_spans::{Finished, Taker, Who};
use pipeline::proto::TracesRequest;
use pipeline::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use pipeline::proto::resource::v1::Resource;
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use pipeline::{
    Batch, BatchProcessor, Rejected, Signal, SimpleProcessor, SpanExporter, SpanProcessor, StartError, Tasks,
    Telemetry, TelemetrySettings, TraceSettings,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::otlp_push;
use crate::speaker::{self, Speaker};

/// What a sending under way may take at the stop.
const PATIENCE: Duration = Duration::from_secs(1);

/// Those who send own spans.
pub struct OwnTraces {
    telemetry: Telemetry,
    instance_id: String,
    running: Option<(TraceSettings, Speaker, Tasks)>,
}

impl OwnTraces {
    /// None yet.
    pub fn new(telemetry: &Telemetry, instance_id: &str) -> Self {
        Self { telemetry: telemetry.clone(), instance_id: instance_id.to_owned(), running: None }
    }

    /// Goes over to `settings`, if they are others.
    ///
    /// # Errors
    /// When an exporter cannot be opened; then there are no spans.
    pub async fn change(&mut self, settings: &TelemetrySettings) -> Result<(), StartError> {
        let speaker = speaker::of(&self.instance_id, &settings.resource);
        if self.running.as_ref().is_some_and(|(old, by, _)| *old == settings.traces && *by == speaker) {
            return Ok(());
        }
        self.end().await;
        let (mut tasks, mut takers) = (Tasks::default(), Vec::new());
        for processor in settings.traces.active_processors() {
            let resource = speaker::resource(&speaker);
            takers.push(self.start(processor, resource, &mut tasks).await?);
        }
        self.telemetry.tracer().send_to(takers, settings.traces.sampling(), settings.traces.propagates());
        self.running = Some((settings.traces.clone(), speaker, tasks));
        Ok(())
    }

    /// Sends what is there, and ends.
    pub async fn stop(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        // The other ends of their channels are gone with it.
        self.telemetry.tracer().send_to(Vec::new(), TraceSettings::default().sampling(), false);
        if let Some((.., tasks)) = self.running.take() {
            tasks.end(PATIENCE).await;
        }
    }

    async fn start(
        &self,
        processor: &SpanProcessor,
        resource: Resource,
        tasks: &mut Tasks,
    ) -> Result<Taker, StartError> {
        let simple = |SimpleProcessor { exporter }: &SimpleProcessor| BatchProcessor {
            max_export_batch_size: 1,
            exporter: exporter.clone(),
            ..BatchProcessor::default()
        };
        let batch = processor.batch.clone().or_else(|| processor.simple.as_ref().map(simple)).unwrap_or_default();
        let (spans, taken) = mpsc::channel(batch.max_queue_size.max(1) as usize);
        let (target, name) = self.target(&batch.exporter, tasks).await?;
        let millis = |number: u32| Duration::from_millis(number.into());
        let sender = Sender {
            target,
            resource,
            delay: millis(batch.schedule_delay),
            limit: millis(batch.export_timeout),
            at_once: batch.max_export_batch_size.max(1) as usize,
        };
        tasks.spawn(format!("own spans to {name}"), sender.run(taken));
        let about = "Number of own spans that nobody could take in time.";
        let labels = vec![Label::new("to", name)];
        Ok(Taker { spans, dropped: self.telemetry.items("kpulse_own_spans_dropped".into(), about, labels) })
    }

    async fn target(&self, settings: &SpanExporter, tasks: &mut Tasks) -> Result<(Target, String), StartError> {
        let Some(otlp) = &settings.otlp else { return Ok((Target::Console, "standard output".into())) };
        let failed = |error: String| StartError(format!("cannot send own spans to {}: {error}", otlp.url()));
        let exporter = otlp_push::exporter(otlp, Signal::Traces, &self.telemetry).map_err(failed)?;
        exporter.start(tasks).await.map_err(|error| failed(error.to_string()))?;
        Ok((Target::Otlp(exporter), otlp.url()))
    }
}

enum Target {
    Otlp(Arc<dyn Exporter>),
    Console,
}

struct Sender {
    target: Target,
    resource: Resource,
    delay: Duration,
    limit: Duration,
    at_once: usize,
}

impl Sender {
    /// Until nobody makes spans any more; then sends the last.
    async fn run(self, mut taken: mpsc::Receiver<Finished>) {
        let mut held = Vec::new();
        while let Some(first) = taken.recv().await {
            held.push(first);
            let due = Instant::now() + self.delay;
            while held.len() < self.at_once {
                tokio::select! {
                    next = taken.recv() => match next {
                        Some(next) => held.push(next),
                        None => break,
                    },
                    () = sleep_until(due) => break,
                }
            }
            self.send(std::mem::take(&mut held)).await;
        }
        if let Target::Otlp(exporter) = &self.target {
            exporter.shutdown().await;
        }
    }

    async fn send(&self, spans: Vec<Finished>) {
        let batch = Batch::new(request(&self.resource, spans), Arc::default());
        let sent = match &self.target {
            Target::Otlp(exporter) => timeout(self.limit, exporter.send(batch)).await,
            Target::Console => Ok(print(&batch)),
        };
        if let Err(error) = sent.unwrap_or_else(|_| Err(Rejected::retryable("no answer in time"))) {
            tracing::warn!(%error, "cannot send own spans");
        }
    }
}

fn print(batch: &Batch) -> Result<(), Rejected> {
    let mut line = Vec::new();
    batch.write_json(&mut line).map_err(|error| Rejected::permanent(error.to_string()))?;
    line.push(b'\n');
    std::io::stdout().write_all(&line).map_err(|error| Rejected::permanent(error.to_string()))
}

/// Spans of one component stand together.
fn request(resource: &Resource, spans: Vec<Finished>) -> TracesRequest {
    let mut by_component: Vec<(Arc<Who>, Vec<Span>)> = Vec::new();
    for Finished { who, span } in spans {
        match by_component.iter_mut().find(|(known, _)| *known == who) {
            Some((_, spans)) => spans.push(span),
            None => by_component.push((who, vec![span])),
        }
    }
    let scope_spans = by_component.into_iter().map(|(who, spans)| ScopeSpans {
        scope: Some(scope(&who)),
        spans,
        ..ScopeSpans::default()
    });
    let resource_spans =
        ResourceSpans { resource: Some(resource.clone()), scope_spans: scope_spans.collect(), ..Default::default() };
    TracesRequest { resource_spans: vec![resource_spans] }
}

fn scope(who: &Who) -> InstrumentationScope {
    let texts = [
        ("otelcol.component.id", who.id.as_str()),
        ("otelcol.component.kind", who.kind),
        ("otelcol.signal", who.signal.name()),
    ];
    let attribute = |(key, value): (&str, &str)| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
        ..KeyValue::default()
    };
    InstrumentationScope {
        name: "kpulse".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        attributes: texts.map(attribute).to_vec(),
        ..InstrumentationScope::default()
    }
}
