//! Makes metrics of spans: how many calls there were, and how long they took.
//!
//! ```yaml
//! span_metrics:
//!   histogram: {unit: s, explicit: {buckets: [5ms, 25ms, 100ms, 500ms, 2s]}}
//!   dimensions:
//!     - {name: http.route}
//!     - {name: deployment.environment.name, default: none}
//!   metrics_flush_interval: 15s
//! ```
//!
//! `traces.span.metrics.calls` counts spans and `traces.span.metrics.duration` has their lengths, by service, name, kind and status of
//! the span, the id of this run (`collector.instance.id`) and `dimensions`; `events` counts events of spans. A span that was
//! sampled (`ot=th:...` in its trace state) counts as often as it stands for. As in the Collector, the first cumulative value of a series of calls
//! is 0, so that a rate sees what came before it. Spans without `service.name` do not count.
//!
//! Memory is bounded: `resource_metrics_cache_size` resources, each with `aggregation_cardinality_limit` series of a metric
//! (without a limit, 100,000 in all); what finds no room is in one series with `otel.metric.overflow: true`, and counted in
//! `kpulse_connector_overflow_items`. At a stop everything held goes on.

mod aggregate;
mod counts;
mod dimensions;
mod key;
mod render;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use config::Decode;
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::connector::{Connector, ConnectorConfig, ConnectorFactory, Outputs};
use pipeline::proto::{MetricsRequest, TracesRequest};
use pipeline::{Batch, BuildError, Next, Refused, Rejected, Signal, Tasks};

use crate::flush::{Flush, behind, flush_every};
use aggregate::Aggregate;
use counts::Counts;
pub use settings::Config;

/// Row of the connectors' table.
pub static FACTORY: ConnectorFactory = Factory {
    name: "span_metrics",
    alias: Some("spanmetrics"),
    signals: &[Signal::Traces],
    stability: Stability::Alpha,
    sample: "histogram: {unit: s, explicit: {buckets: [5ms, 25ms, 100ms, 500ms, 2s]}}\ndimensions:\n  \
             - {name: http.route}\n  - {name: deployment.environment.name, default: none}\n\
             metrics_flush_interval: 15s\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ConnectorConfig for Config {
    fn gives(&self, from: Signal) -> &'static [Signal] {
        match from {
            Signal::Traces => &[Signal::Metrics],
            _ => &[],
        }
    }

    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Connector>, BuildError> {
        let aggregate = Aggregate::new(self, cx.telemetry.instance_id()).map_err(|e| BuildError::of(&cx, e))?;
        let of_spans = OfSpans { aggregate: Mutex::new(aggregate), counts: Counts::new(&cx) };
        Ok(Arc::new(SpanMetrics { id: cx.id.to_string(), config: self.clone(), of_spans: Arc::new(of_spans) }))
    }
}

struct SpanMetrics {
    id: String,
    config: Config,
    of_spans: Arc<OfSpans>,
}

struct OfSpans {
    aggregate: Mutex<Aggregate>,
    counts: Counts,
}

impl Connector for SpanMetrics {
    fn edge(&self, _: Signal, outputs: Outputs, tasks: &mut Tasks) -> Next {
        let next = behind(&outputs);
        let of_spans = self.of_spans.clone();
        tasks.spawn(
            self.id.clone(),
            flush_every(self.config.metrics_flush_interval, of_spans.clone(), next.clone(), tasks.stop()),
        );
        Next::from_fn(move |batch| {
            let (of_spans, next) = (of_spans.clone(), next.clone());
            async move {
                if of_spans.take(batch)? {
                    of_spans.flush(&next).await;
                }
                Ok(())
            }
        })
    }
}

impl OfSpans {
    /// Takes spans in. True when there is no room for more resources until what is held has gone on.
    fn take(&self, mut batch: Batch) -> Result<bool, Rejected> {
        let read = batch.read::<TracesRequest>().map_err(|undecodable| Rejected::permanent(undecodable.to_string()))?;
        let Some(request) = read else { return Ok(false) };
        let mut aggregate = self.aggregate.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = aggregate.add(request);
        self.counts.saw(tally);
        Ok(aggregate.is_full())
    }
}

impl Flush for OfSpans {
    const OF: &'static str = "spans";

    fn metrics(&self) -> MetricsRequest {
        self.aggregate.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }

    fn refused(&self) -> &Refused {
        &self.counts.refused
    }
}
