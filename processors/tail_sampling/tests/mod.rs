//! Sentences about traces that wait, with a clock that stands still until all tasks do.

mod parts;
mod settings;
mod waiting;

use std::sync::{Arc, Mutex};

use pipeline::component::*;
use pipeline::proto::TracesRequest;
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use pipeline::{Batch, Next, Tasks, Telemetry};

use super::FACTORY;

/// A processor, its tasks, and the names of spans that come out.
struct Sampling {
    edge: Next,
    tasks: Tasks,
    telemetry: Telemetry,
    out: Arc<Mutex<Vec<String>>>,
}

fn decoded(text: &str) -> (Box<dyn ProcessorConfig>, String) {
    let mut decoder = config::Decoder::default();
    let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    Configured::validate(&*config, &mut decoder);
    (config, decoder.finish().to_string())
}

fn names(batch: &mut Batch) -> Vec<String> {
    let request = batch.read::<TracesRequest>().unwrap().unwrap();
    let scopes = request.resource_spans.iter().flat_map(|outer| &outer.scope_spans);
    scopes.flat_map(|scope| &scope.spans).map(|span| span.name.clone()).collect()
}

fn start(text: &str) -> Sampling {
    let out: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = out.clone();
    start_before(
        text,
        out,
        Next::from_fn(move |mut batch| {
            seen.lock().unwrap().extend(names(&mut batch));
            async { Ok(()) }
        }),
    )
}

fn start_before(text: &str, out: Arc<Mutex<Vec<String>>>, next: Next) -> Sampling {
    let (config, faults) = decoded(text);
    assert_eq!(faults, "");
    let (telemetry, mut tasks) = (Telemetry::new("test"), Tasks::default());
    let Ok(Processor::Wrap(wrap)) =
        config.build(BuildContext::new("tail_sampling".parse().unwrap(), telemetry.clone()))
    else {
        panic!("no wrap")
    };
    Sampling { edge: wrap(next, &mut tasks), tasks, telemetry, out }
}

/// A span of the trace with this number; without a parent if that is said.
fn span(trace: u8, name: &str, is_root: bool) -> Span {
    let parent_span_id = if is_root { Vec::new() } else { vec![7; 8] };
    Span { trace_id: vec![trace; 16], span_id: vec![1; 8], parent_span_id, name: name.into(), ..Span::default() }
}

fn batch(spans: Vec<Span>) -> Batch {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    Batch::new(TracesRequest { resource_spans }, Arc::default())
}

impl Sampling {
    async fn send(&self, spans: Vec<Span>) {
        self.edge.send(batch(spans)).await.unwrap();
        // The task takes them in before the clock goes on.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }

    /// What has come out since this was asked last.
    fn out(&self) -> Vec<String> {
        std::mem::take(&mut *self.out.lock().unwrap())
    }

    /// The value of one of its own counters.
    fn count(&self, metric: &str, label: &str) -> u64 {
        let own = crate::tests::counted(&self.telemetry);
        let own: serde_json::Value = serde_json::from_str(&own).unwrap();
        let metrics = own["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
        let points = metrics.iter().filter(|found| found["name"].as_str().unwrap().ends_with(metric));
        let points = points.flat_map(|found| found["sum"]["dataPoints"].as_array().unwrap());
        let points = points.filter(|point| point["attributes"].to_string().contains(&format!("\"{label}\"")));
        points.map(|point| point["asInt"].as_str().unwrap().parse::<u64>().unwrap()).sum()
    }

    fn lost(&self, reason: &str) -> u64 {
        self.count("kpulse_processor_dropped_items", reason)
    }
}
