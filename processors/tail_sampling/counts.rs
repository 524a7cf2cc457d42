//! What the processor says of itself: the Collector's names for traces and policies, and dropped spans by reason.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram};
use pipeline::component::BuildContext;
use pipeline::{Drops, ItemCounter, Refused, Telemetry};

use super::evaluator::Verdict;

/// The instruments of one processor.
#[derive(Clone)]
pub struct Counts {
    labels: Arc<[KeyValue]>,
    new_traces: ItemCounter,
    too_early: ItemCounter,
    pub too_large: ItemCounter,
    errors: ItemCounter,
    sampled: ItemCounter,
    not_sampled: ItemCounter,
    dropped: ItemCounter,
    cached_sampled: ItemCounter,
    cached_not_sampled: ItemCounter,
    on_memory: Gauge<u64>,
    decision: Histogram<u64>,
    late: Histogram<u64>,
    removal: Histogram<u64>,
    lost: Arc<[(Reason, ItemCounter)]>,
    pub refused: Refused,
}

/// Why spans did not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No policy wanted their trace.
    NotSampled,
    /// A drop policy fitted their trace.
    DropPolicy,
    /// Their trace had to make room.
    Evicted,
    /// Their trace grew too large.
    TooLarge,
    /// They waited when the agent stopped.
    Shutdown,
}

impl Reason {
    const ALL: [Self; 5] = [Self::NotSampled, Self::DropPolicy, Self::Evicted, Self::TooLarge, Self::Shutdown];

    fn name(self) -> &'static str {
        match self {
            Self::NotSampled => "not_sampled",
            Self::DropPolicy => "drop_policy",
            Self::Evicted => "evicted",
            Self::TooLarge => "too_large",
            Self::Shutdown => "shutdown",
        }
    }
}

fn named(name: &str) -> String {
    format!("otelcol_processor_tail_sampling_{name}")
}

/// Labels of a decision, beside others.
fn decided(labels: &[KeyValue], sampled: bool, decision: &'static str) -> Vec<KeyValue> {
    let own = [KeyValue::new("sampled", sampled.to_string()), KeyValue::new("decision", decision)];
    labels.iter().cloned().chain(own).collect()
}

/// Bounds of times from deciding, in milliseconds.
const MILLISECONDS: [f64; 17] =
    [1., 2., 5., 10., 25., 50., 75., 100., 150., 200., 300., 400., 500., 750., 1000., 2000., 5000.];
/// Bounds of ages, in seconds.
const SECONDS: [f64; 14] = [1., 2., 5., 10., 20., 30., 60., 120., 180., 240., 300., 600., 900., 1200.];

/// Makes the instruments of one processor.
struct Maker<'a> {
    telemetry: &'a Telemetry,
    labels: Vec<KeyValue>,
}

impl Maker<'_> {
    fn count(&self, name: &str, about: &'static str) -> ItemCounter {
        self.telemetry.items(named(name), about, self.labels.clone())
    }

    fn global(&self, sampled: bool, decision: &'static str) -> ItemCounter {
        let about = "Global count of traces that were sampled or not by at least one policy";
        self.telemetry.items(named("global_count_traces_sampled"), about, decided(&self.labels, sampled, decision))
    }

    fn cached(&self, sampled: bool) -> ItemCounter {
        let labels = self.labels.iter().cloned().chain([KeyValue::new("sampled", sampled.to_string())]).collect();
        let about = "Number of spans that were able to be immediately released due to a decision cache hit.";
        self.telemetry.items(named("early_releases_from_cache_decision"), about, labels)
    }

    fn histogram(&self, name: &str, about: &'static str, bounds: &[f64]) -> Histogram<u64> {
        let histogram = self.telemetry.meter().u64_histogram(named(name));
        histogram.with_description(about).with_boundaries(bounds.to_vec()).build()
    }

    fn gauge(&self, name: &str, about: &'static str) -> Gauge<u64> {
        self.telemetry.meter().u64_gauge(named(name)).with_description(about).build()
    }
}

impl Counts {
    pub fn new(cx: &BuildContext) -> Self {
        let labels = vec![KeyValue::new("processor", cx.id.to_string())];
        let make = Maker { telemetry: &cx.telemetry, labels };
        let drops = Drops::of_processor(cx);
        let early = "Count of traces that needed to be dropped before the configured wait time";
        let large = "Count of traces that were dropped because they were too large";
        let run = "Latency (in milliseconds) of each run of the sampling decision timer";
        let late = "Time (in seconds) from the sampling decision was taken and the arrival of a late span";
        let removed = "Time (in seconds) from arrival of a new trace until its removal from memory";
        Self {
            new_traces: make.count("new_trace_id_received", "Counts the arrival of new traces"),
            too_early: make.count("sampling_trace_dropped_too_early", early),
            too_large: make.count("traces_dropped_too_large", large),
            errors: make.count("sampling_policy_evaluation_error", "Count of sampling policy evaluation errors"),
            sampled: make.global(true, "sampled"),
            not_sampled: make.global(false, "not_sampled"),
            dropped: make.global(false, "dropped"),
            cached_sampled: make.cached(true),
            cached_not_sampled: make.cached(false),
            on_memory: make.gauge("sampling_traces_on_memory", "Tracks the number of traces current on memory"),
            decision: make.histogram("sampling_decision_timer_latency", run, &MILLISECONDS),
            late: make.histogram("sampling_late_span_age", late, &SECONDS),
            removal: make.histogram("sampling_trace_removal_age", removed, &SECONDS),
            lost: Reason::ALL.into_iter().map(|reason| (reason, drops.of(reason.name()))).collect(),
            refused: drops.refused(),
            labels: make.labels.into(),
        }
    }

    pub fn new_trace(&self) {
        self.new_traces.add(1_u64);
    }

    /// A trace had to go undecided.
    pub fn too_early(&self) {
        self.too_early.add(1_u64);
    }

    /// A policy had nothing to say.
    pub fn error(&self) {
        self.errors.add(1_u64);
    }

    /// A trace was decided.
    pub fn decided(&self, verdict: Verdict) {
        match verdict {
            Verdict::Sampled => self.sampled.add(1_u64),
            Verdict::NotSampled => self.not_sampled.add(1_u64),
            Verdict::Dropped => self.dropped.add(1_u64),
        }
    }

    /// Spans went the way of a decision that was remembered.
    pub fn cached(&self, sampled: bool, spans: u32) {
        if sampled { self.cached_sampled.add(spans) } else { self.cached_not_sampled.add(spans) }
    }

    /// Traces were decided in this time; so many are remembered.
    pub fn round(&self, took: Duration, traces: usize) {
        self.decision.record(took.as_millis() as u64, &self.labels);
        self.on_memory.record(traces as u64, &self.labels);
    }

    /// Spans came so long after the decision about their trace.
    pub fn late(&self, age: Duration) {
        self.late.record(age.as_secs(), &self.labels);
    }

    /// A trace was forgotten at this age.
    pub fn removed(&self, age: Duration) {
        self.removal.record(age.as_secs(), &self.labels);
    }

    /// Spans did not go on.
    pub fn lost(&self, reason: Reason, spans: u64) {
        if let Some((_, counter)) = self.lost.iter().find(|(of, _)| *of == reason) {
            counter.add(spans);
        }
    }
}

/// The instruments of one policy.
pub struct PolicyCounts {
    labels: Vec<KeyValue>,
    sampled: Vec<KeyValue>,
    not_sampled: Vec<KeyValue>,
    dropped: Vec<KeyValue>,
    traces: Counter<u64>,
    executions: Counter<u64>,
    time: Counter<u64>,
}

impl PolicyCounts {
    /// Those of a policy; it is named after the processor too where that has a name.
    pub fn new(policy: &str, processor: &config::ComponentId, telemetry: &Telemetry) -> Self {
        let meter = telemetry.meter();
        let id = processor.to_string();
        let name = id.split_once('/').map_or(policy.to_owned(), |(_, name)| format!("{name}.{policy}"));
        let labels = vec![KeyValue::new("processor", id.clone()), KeyValue::new("policy", name)];
        let counter = |name: &str, about| meter.u64_counter(named(name)).with_description(about).build();
        Self {
            sampled: decided(&labels, true, "sampled"),
            not_sampled: decided(&labels, false, "not_sampled"),
            dropped: decided(&labels, false, "dropped"),
            labels,
            traces: counter("count_traces_sampled", "Count of traces that were sampled or not per sampling policy"),
            executions: counter(
                "sampling_policy_execution_count",
                "Total number of executions of a specific sampling policy",
            ),
            time: counter(
                "sampling_policy_execution_time_sum",
                "Total time spent (in microseconds) executing a specific sampling policy",
            ),
        }
    }

    /// It said this of so many traces.
    pub fn said(&self, verdict: Verdict, traces: u64) {
        let labels = match verdict {
            Verdict::Sampled => &self.sampled,
            Verdict::NotSampled => &self.not_sampled,
            Verdict::Dropped => &self.dropped,
        };
        self.traces.add(traces, labels);
    }

    /// It was asked so often, which took this time.
    pub fn asked(&self, times: u64, took: Duration) {
        self.executions.add(times, &self.labels);
        self.time.add(took.as_micros() as u64, &self.labels);
    }
}
