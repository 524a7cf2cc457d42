//! Refuses telemetry while this program holds too much memory.
//!
//! ```yaml
//! memory_limiter:
//!   check_interval: 1s
//!   limit_mib: 200
//!   spike_limit_mib: 40
//! ```
//!
//! Put it first in every pipeline. From `limit - spike_limit` on, every batch is answered with the retryable error
//! `data refused due to high memory usage`; senders try again, and receivers fed by the kernel count what they could not
//! place as refused. The limiter itself drops nothing. The limit holds between two checks as well: at `limit` a batch is
//! refused whenever that was looked at last, so `spike_limit` need not foresee how much one interval brings.
//!
//! Measured are the bytes that this program has allocated and not freed, as its allocator counts them, not the resident
//! set: that also has code, BPF rings and memory that is free for reuse. Percentages are of the memory of the control
//! group (v2 or v1), or of the host where there is no limit. The four `gc` keys are taken from the Collector's files and
//! have no effect, because here nothing is collected: memory is free as soon as it is unused.

mod limits;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use config::{Decode, Decoder, Rules};
use opentelemetry::KeyValue;
use pipeline::component::{
    BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, Transform, Verdict, decode,
};
use pipeline::{Batch, BuildError, ItemCounter, Rejected, Signal};

use limits::Limits;

config::settings! {
    /// How much memory is too much.
    pub struct Config {
        /// Time between two looks at the memory; has to be set.
        pub check_interval: Duration = Duration::ZERO,
        /// The most that may be allocated, in MiB.
        pub limit_mib: u32 = 0,
        /// How far below the limit refusing begins, in MiB; 0 is a fifth of the limit.
        pub spike_limit_mib: u32 = 0,
        /// As limit_mib, in percent of all memory; used when limit_mib is 0.
        pub limit_percentage: u32 = 0,
        /// As spike_limit_mib, in percent of all memory.
        pub spike_limit_percentage: u32 = 0,
        /// No effect.
        pub min_gc_interval_when_soft_limited: Duration = Duration::from_secs(10),
        /// No effect.
        pub min_gc_interval_when_hard_limited: Duration = Duration::ZERO,
        /// No effect.
        pub max_gc_interval_when_soft_limited: Duration = Duration::from_secs(30),
        /// No effect.
        pub max_gc_interval_when_hard_limited: Duration = Duration::from_secs(30),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.check_interval.is_zero() {
            decoder.at("check_interval", |d| d.error("must be greater than zero"));
        }
        if self.limit_mib == 0 && self.limit_percentage == 0 {
            decoder.error("limit_mib or limit_percentage must be greater than zero");
        }
        for (key, value) in
            [("limit_percentage", self.limit_percentage), ("spike_limit_percentage", self.spike_limit_percentage)]
        {
            if value > 100 {
                decoder.at(key, |d| d.error("must be at most 100"));
            }
        }
        if self.limit_mib > 0 && self.spike_limit_mib >= self.limit_mib {
            decoder.at("spike_limit_mib", |d| d.error("must be smaller than limit_mib"));
        }
        if self.limit_percentage > 0 && self.spike_limit_percentage >= self.limit_percentage {
            decoder.at("spike_limit_percentage", |d| d.error("must be smaller than limit_percentage"));
        }
        if self.min_gc_interval_when_soft_limited < self.min_gc_interval_when_hard_limited {
            decoder.at("min_gc_interval_when_soft_limited", |d| {
                d.error("must be at least min_gc_interval_when_hard_limited");
            });
        }
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "memory_limiter",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Beta,
    sample: "check_interval: 1s\nlimit_mib: 200\nspike_limit_mib: 40\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let Some(live_bytes) = cx.telemetry.live_bytes() else {
            return Err(BuildError::of(&cx, "this program does not measure its memory"));
        };
        let limits = Limits::new(self, limits::total_bytes);
        tracing::info!(processor = %cx.id, soft_bytes = limits.soft, hard_bytes = limits.hard, "Memory limits");
        Ok(Processor::Transform(Arc::new(Limiter {
            limits,
            check_interval: self.check_interval,
            live_bytes,
            state: Mutex::default(),
            counts: Default::default(),
            cx,
        })))
    }
}

struct Limiter {
    limits: Limits,
    check_interval: Duration,
    live_bytes: fn() -> u64,
    state: Mutex<State>,
    /// Accepted and refused items by signal; made when the first of a signal comes.
    counts: [OnceLock<[ItemCounter; 2]>; Signal::ALL.len()],
    cx: BuildContext,
}

#[derive(Default)]
struct State {
    checked: Option<Instant>,
    refusing: bool,
}

impl Transform for Limiter {
    fn apply(&self, batch: Batch) -> Verdict {
        self.apply_at(batch, Instant::now())
    }
}

impl Limiter {
    fn apply_at(&self, batch: Batch, now: Instant) -> Verdict {
        let [accepted, refused] = self.counts(batch.signal());
        if self.refuses(now) {
            refused.add(batch.items());
            return Verdict::Reject(Rejected::retryable("data refused due to high memory usage"));
        }
        accepted.add(batch.items());
        Verdict::Pass(batch)
    }

    /// The state of the last look, which is never older than the interval; at the hard limit, every batch is a look,
    /// however much came since the last one. A look reads one number, so it needs no task of its own, and an idle
    /// pipeline has no timer to wake for.
    fn refuses(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = (self.live_bytes)();
        let is_due = state.checked.is_none_or(|checked| now.saturating_duration_since(checked) >= self.check_interval);
        if is_due || (!state.refusing && bytes >= self.limits.hard) {
            let refusing = bytes >= self.limits.soft;
            let processor = &self.cx.id;
            match (state.refusing, refusing) {
                (false, true) => tracing::warn!(%processor, bytes, "Memory usage is above soft limit. Refusing data."),
                (true, false) => {
                    tracing::info!(%processor, bytes, "Memory usage back within limits. Resuming normal operation.");
                }
                _ => {}
            }
            *state = State { checked: Some(now), refusing };
        }
        state.refusing
    }

    fn counts(&self, signal: Signal) -> &[ItemCounter; 2] {
        self.counts[signal as usize].get_or_init(|| {
            let count = |what, about| {
                let labels = vec![KeyValue::new("processor", self.cx.id.to_string())];
                let name = format!("otelcol_processor_memory_limiter_{what}_{}", signal.items());
                self.cx.telemetry.items(name, about, labels)
            };
            [
                count("accepted", "Number of items successfully pushed into the next component in the pipeline."),
                count("refused", "Number of items that were rejected by the next component in the pipeline."),
            ]
        })
    }
}
