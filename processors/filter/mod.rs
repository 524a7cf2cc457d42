//! Drops what conditions in OTTL are true for.
//!
//! ```yaml
//! filter:
//!   error_mode: ignore
//!   log_conditions:
//!     - log.severity_number < SEVERITY_NUMBER_WARN
//!     - IsMatch(log.body, "health ?check")
//! ```
//!
//! An item is dropped when one condition of its list is true. In `*_conditions` paths say their context, which tells
//! whether records, scopes or resources are dropped; the older lists (`logs::log_record`, `traces::span` ...) are of the context they
//! are named after; the oldest form (`include` and `exclude` under `spans`, `metrics`, `logs`) matches properties, and
//! not its `expr` expressions, which are the metric conditions of today. What is empty then goes too. Dropped items are counted in `kpulse_processor_dropped_items` with
//! reason `filtered`, and by signal under the Collector's names (`otelcol_processor_filter_logs_filtered` ...).

mod older;
mod seen;
mod settings;
mod stage;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::{Arc, OnceLock};

use config::Decode;
use opentelemetry::KeyValue;
use pipeline::component::{
    BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, Transform, Verdict, decode,
};
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, BuildError, Drops, ItemCounter, Rejected, Signal, Telemetry};

use ottl::walk::Tree;
use ottl::{Client, Failures};
pub use settings::Config;
use stage::Stage;

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "filter",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "error_mode: ignore\nlog_conditions:\n  - log.severity_number < SEVERITY_NUMBER_WARN\n  \
             - IsMatch(log.body, \"health ?check\")\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let failures = Failures::new(&cx);
        let stages = |signal| self.stages(signal, &failures).map_err(|message| BuildError::of(&cx, message));
        Ok(Processor::Transform(Arc::new(Filter {
            traces: stages(Signal::Traces)?,
            metrics: stages(Signal::Metrics)?,
            logs: stages(Signal::Logs)?,
            profiles: stages(Signal::Profiles)?,
            dropped: Drops::of_processor(&cx).of("filtered"),
            filtered: Filtered::new(&cx),
        })))
    }
}

struct Filter {
    traces: Vec<Stage>,
    metrics: Vec<Stage>,
    logs: Vec<Stage>,
    profiles: Vec<Stage>,
    dropped: ItemCounter,
    filtered: Filtered,
}

/// What the Collector counts; a signal's counter is there when the first of its items was dropped.
struct Filtered {
    telemetry: Telemetry,
    id: String,
    counters: [OnceLock<ItemCounter>; Signal::ALL.len()],
}

impl Filtered {
    fn new(cx: &BuildContext) -> Self {
        Self { telemetry: cx.telemetry.clone(), id: cx.id.to_string(), counters: Default::default() }
    }

    fn add(&self, signal: Signal, items: u32) {
        let (what, about) = match signal {
            Signal::Traces => ("spans", "Number of spans dropped by the filter processor."),
            Signal::Metrics => ("datapoints", "Number of metric data points dropped by the filter processor."),
            Signal::Logs => ("logs", "Number of logs dropped by the filter processor."),
            Signal::Profiles => ("profiles", "Number of profiles dropped by the filter processor."),
        };
        let place = Signal::ALL.iter().position(|own| *own == signal);
        let Some(counter) = place.and_then(|place| self.counters.get(place)) else { return };
        let make = || {
            let labels = vec![KeyValue::new("filter", self.id.clone())];
            self.telemetry.items(format!("otelcol_processor_filter_{what}_filtered"), about, labels)
        };
        counter.get_or_init(make).add(items);
    }
}

impl Transform for Filter {
    fn apply(&self, batch: Batch) -> Verdict {
        match batch.signal() {
            Signal::Traces => self.run::<TracesRequest>(&self.traces, batch),
            Signal::Metrics => self.run::<MetricsRequest>(&self.metrics, batch),
            Signal::Logs => self.run::<LogsRequest>(&self.logs, batch),
            Signal::Profiles => self.run::<ProfilesRequest>(&self.profiles, batch),
        }
    }
}

impl Filter {
    fn run<T: Tree>(&self, stages: &[Stage], mut batch: Batch) -> Verdict {
        if stages.is_empty() {
            return Verdict::Pass(batch);
        }
        let before = batch.items();
        let client = stages.iter().any(|stage| stage.asks_for_client).then(|| Client::of(batch.origin()));
        if client.is_none()
            && let Some(outcome) = wire::run(stages, &mut batch)
        {
            return outcome.map_or_else(Verdict::Reject, |()| self.passed(before, batch));
        }
        let mut outcome = Ok(());
        let run = |stage: &Stage, request: &mut T| stage.run(request, client.as_ref());
        let changed = batch.change::<T>(|request| outcome = stages.iter().try_for_each(|stage| run(stage, request)));
        match (changed, outcome) {
            (Err(undecodable), _) => Verdict::Reject(Rejected::permanent(undecodable.to_string())),
            (_, Err(failure)) => Verdict::Reject(Rejected::permanent(failure)),
            _ => self.passed(before, batch),
        }
    }

    fn passed(&self, before: u32, batch: Batch) -> Verdict {
        let dropped = before - batch.items();
        if dropped > 0 {
            self.dropped.add(dropped);
            self.filtered.add(batch.signal(), dropped);
        }
        if batch.items() == 0 { Verdict::Empty } else { Verdict::Pass(batch) }
    }
}
