//! What was kept and dropped, and why.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use pipeline::component::BuildContext;
use pipeline::{Drops, ItemCounter, Signal};

use super::decision::{Decision, Policy};

/// Decisions about the items of one batch.
#[derive(Default)]
pub struct Tally([[u64; 2]; Policy::ALL.len()]);

impl Tally {
    /// Counts one. Returns whether the item is kept.
    pub fn add(&mut self, decision: Decision) -> bool {
        self.0[decision.policy as usize][usize::from(decision.sampled)] += 1;
        decision.sampled
    }
}

/// The instruments of one sampler.
pub struct Counts {
    processor: String,
    attribute: Arc<str>,
    spans: Counter<u64>,
    records: Counter<u64>,
    dropped: ItemCounter,
}

impl Counts {
    pub fn new(cx: &BuildContext, attribute: &str) -> Self {
        let counter =
            |name: &'static str, about| cx.telemetry.meter().u64_counter(name).with_description(about).build();
        let processor = cx.id.to_string();
        Self {
            attribute: attribute.into(),
            spans: counter(
                "otelcol_processor_probabilistic_sampler_count_traces_sampled",
                "Count of traces that were sampled or not",
            ),
            records: counter(
                "otelcol_processor_probabilistic_sampler_count_logs_sampled",
                "Count of logs that were sampled or not",
            ),
            dropped: Drops::of_processor(cx).of("not_sampled"),
            processor,
        }
    }

    /// Counts the decisions about one batch, of which so many items were dropped.
    pub fn add(&self, signal: Signal, tally: &Tally, dropped: u32) {
        let counter = if signal == Signal::Logs { &self.records } else { &self.spans };
        for (policy, counts) in Policy::ALL.into_iter().zip(tally.0) {
            for (sampled, count) in ["false", "true"].into_iter().zip(counts).filter(|(_, count)| *count > 0) {
                let policy = KeyValue::new("policy", self.name(policy));
                let processor = KeyValue::new("processor", self.processor.clone());
                counter.add(count, &[processor, policy, KeyValue::new("sampled", sampled)]);
            }
        }
        self.dropped.add(dropped);
    }

    fn name(&self, policy: Policy) -> Arc<str> {
        match policy {
            Policy::TraceIdHash => "trace_id_hash".into(),
            Policy::TraceIdW3c => "trace_id_w3c".into(),
            Policy::SamplingRandomness => "sampling_randomness".into(),
            Policy::SamplingPriority => "sampling_priority".into(),
            Policy::Attribute => self.attribute.clone(),
            Policy::MissingRandomness => "missing_randomness".into(),
        }
    }
}
