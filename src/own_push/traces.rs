//! kpulse's own spans: `service::telemetry::traces`.

use std::sync::Arc;
use std::time::Duration;

use pipeline::own_spans::{Finished, Who};
use pipeline::proto::TracesRequest;
use pipeline::proto::common::v1::InstrumentationScope;
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans};
use pipeline::{Batch, Signal, StartError, Tasks, Telemetry, TelemetrySettings, TraceSettings};
use tracing::Span;

use super::PATIENCE;
use super::scope::{scope, together};
use super::sender::{self, Said};
use crate::speaker::{self, Speaker};

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
            takers.push(sender::start(processor, &speaker, &self.telemetry, Span::none(), &mut tasks).await?);
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
}

impl Said for Finished {
    const SIGNAL: Signal = Signal::Traces;
    const DROPPED: &'static str = "kpulse_own_spans_dropped";
    const DELAY: Duration = Duration::from_secs(5);

    /// Spans of one component stand together.
    fn request(speaker: &Speaker, items: Vec<Self>) -> Batch {
        let by_component = together(items.into_iter().map(|Finished { who, span }| (who, span)));
        let scope_spans = by_component.into_iter().map(|(who, spans)| ScopeSpans {
            scope: Some(of_component(&who)),
            spans,
            ..ScopeSpans::default()
        });
        let resource_spans = ResourceSpans {
            resource: Some(speaker::resource(speaker)),
            scope_spans: scope_spans.collect(),
            schema_url: speaker.schema_url.clone(),
        };
        Batch::new(TracesRequest { resource_spans: vec![resource_spans] }, Arc::default())
    }
}

fn of_component(who: &Who) -> InstrumentationScope {
    scope([
        ("otelcol.component.id", who.id.as_str().into()),
        ("otelcol.component.kind", who.kind.into()),
        ("otelcol.signal", who.signal.name().into()),
    ])
}
