//! Keeps or drops whole traces, when most of their spans have come.
//!
//! ```yaml
//! tail_sampling:
//!   decision_wait: 10s
//!   num_traces: 20000
//!   policies:
//!     - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
//!     - {name: slow, type: latency, latency: {threshold_ms: 500}}
//!     - {name: some, type: probabilistic, probabilistic: {sampling_percentage: 5}}
//! ```
//!
//! All spans of a trace have to come to one agent. They wait as the bytes they came in, `decision_wait` from the first; then
//! every policy is asked. A trace that one of them wants is kept, unless a `drop` policy fits. What comes later goes the way of
//! its trace, as long as that is remembered: among `num_traces`, or longer in `decision_cache`. When there is no
//! room for a new trace, the oldest goes, or with `block_on_overflow` the sender waits. At a stop all that wait are decided at once.
//!
//! Dropped spans are counted in `kpulse_processor_dropped_items` by reason (`not_sampled`, `drop_policy`, `evicted`,
//! `too_large`, `shutdown`, and `retryable`, `permanent`, `closed` for what the next component refused); traces and policies
//! in the Collector's `otelcol_processor_tail_sampling_*`. As there, `composite` goes through its policies as they stand
//! (`policy_order` is read only), and one without `rate_allocation` keeps nothing.

mod counts;
mod decide;
mod evaluator;
mod parts;
mod policies;
mod remembered;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod worker;

use config::Decode;
use pipeline::component::{BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, decode};
use pipeline::{BuildError, Signal};

use counts::Counts;
use ottl::Failures;
pub use settings::Config;
use worker::Worker;

/// An id of a trace.
pub type TraceId = [u8; 16];

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "tail_sampling",
    alias: None,
    signals: &[Signal::Traces],
    stability: Stability::Beta,
    sample: "decision_wait: 10s\nnum_traces: 20000\npolicies:\n  \
             - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}\n  \
             - {name: slow, type: latency, latency: {threshold_ms: 500}}\n  \
             - {name: some, type: probabilistic, probabilistic: {sampling_percentage: 5}}\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let policies = self.policies(&cx).map_err(|message| BuildError::of(&cx, message))?;
        let (config, counts, failures) = (self.clone(), Counts::new(&cx), Failures::new(&cx));
        Ok(Processor::Wrap(Box::new(move |next, tasks| {
            let decider = decide::Decider::new(policies, &config, failures, counts.clone());
            Worker::around(next, &config, decider, counts, &cx.id, tasks)
        })))
    }
}
