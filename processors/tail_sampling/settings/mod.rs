//! What is written in the configuration.

mod kinds;
mod policy;

use std::time::Duration;

use config::{Decoder, Rules};
use pipeline::component::BuildContext;

pub use kinds::*;
pub use policy::{Policy, Wrong};

use super::decide::Named;

config::settings! {
    /// How long traces wait, how many, and what is kept of them.
    pub struct Config {
        /// How long a trace waits from its first span on; in whole seconds, at least one.
        pub decision_wait: Duration = Duration::from_secs(30),
        /// How long a trace waits when its root span has come; 0 makes no difference.
        pub decision_wait_after_root_received: Duration = Duration::ZERO,
        /// How many traces are remembered at most.
        pub num_traces: u64 = 50_000,
        /// What happens when that many wait: senders wait (true), or the oldest trace goes (false).
        pub block_on_overflow: bool = false,
        /// How many new traces come each second: read, and not needed.
        pub expected_new_traces_per_sec: u64 = 0,
        /// What is asked of each trace; names are unique.
        pub policies: Vec<Policy> = Vec::new(),
        /// How many decisions are remembered longer than their traces.
        pub decision_cache: DecisionCache = DecisionCache::default(),
        /// Where traces wait: an extension that kpulse does not have, so it has to be left out.
        pub tail_storage: Option<String> = None,
        /// Whether no further policy is asked when one wants to keep the trace.
        pub sample_on_first_match: bool = false,
        /// When policies are asked: trace-complete (after the wait) or span-ingest (also for every part that comes).
        pub sampling_strategy: Strategy = Strategy::TraceComplete,
        /// Whether traces that still wait at a stop are dropped; else they are decided.
        pub drop_pending_traces_on_shutdown: bool = false,
        /// Traces that grow larger in bytes are dropped; 0 is any size.
        pub maximum_trace_size_bytes: u64 = 0,
    }
}

config::settings! {
    /// How many decisions are remembered longer than their traces.
    pub struct DecisionCache {
        /// Of traces that were kept; at best much more than num_traces. 0 remembers none.
        pub sampled_cache_size: u32 = 0,
        /// Of traces that were not.
        pub non_sampled_cache_size: u32 = 0,
    }
}

config::words! {
    /// When policies are asked.
    pub enum Strategy: "sampling_strategy" {
        /// When the wait is over.
        TraceComplete = "trace-complete",
        /// Also whenever spans come; what nobody wanted until the wait is over is dropped.
        SpanIngest = "span-ingest",
    }
}

impl Rules for DecisionCache {}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.policies.is_empty() {
            decoder.at("policies", |d| d.error("must have at least one policy"));
        }
        if self.num_traces == 0 {
            decoder.at("num_traces", |d| d.error("must be greater than 0"));
        }
        if self.tail_storage.is_some() {
            decoder.at("tail_storage", |d| d.error("is not supported: traces wait in memory; leave it out"));
        }
        for (index, policy) in self.policies.iter().enumerate() {
            let place = |decoder: &mut Decoder, message: String| {
                decoder.at("policies", |d| d.at(index.to_string(), |d| d.error(message)));
            };
            let name = policy.name();
            if !name.is_empty() && self.policies[..index].iter().any(|other| other.name() == name) {
                place(decoder, format!("another policy is called {name:?} too"));
            }
            let stateful = policy.evaluator().is_ok_and(|evaluator| evaluator.is_stateful());
            if self.sampling_strategy == Strategy::SpanIngest && stateful {
                place(decoder, format!("policy {name:?} counts, which sampling_strategy span-ingest does not allow"));
            }
        }
    }
}

impl Config {
    /// The policies ready to be asked, those that drop first.
    ///
    /// # Errors
    /// What the rules would have found.
    pub fn policies(&self, cx: &BuildContext) -> Result<Vec<Named>, String> {
        let mut policies = Vec::new();
        for policy in &self.policies {
            let evaluator = policy.evaluator().map_err(|wrong| wrong.message)?;
            policies.push(Named::new(policy.name(), policy.kind() == Some(Kind::Drop), evaluator, cx));
        }
        policies.sort_by_key(|policy| !policy.drops);
        Ok(policies)
    }
}
