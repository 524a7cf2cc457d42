//! Keeps a part of all spans or log records, chosen by their trace.
//!
//! ```yaml
//! probabilistic_sampler:
//!   sampling_percentage: 15
//!   mode: proportional
//! ```
//!
//! All spans of a trace are kept or none, on every agent with the same settings. `hash_seed` hashes the trace id with a seed;
//! `equalizing` and `proportional` compare the id's own randomness with a threshold, which they write into `tracestate` (`ot=th:...`)
//! or the record's attribute `sampling.threshold`, so that others know what one span stands for. `equalizing` lowers all to the
//! percentage, `proportional` keeps this part of what comes. A span's attribute `sampling.priority` decides in any case: 0
//! drops it, more keeps it. Spans are not decoded. What is dropped is counted in `kpulse_processor_dropped_items` with reason `not_sampled`,
//! and decisions by `policy` in the Collector's `otelcol_processor_probabilistic_sampler_count_*_sampled`.

mod counts;
mod decision;
mod records;
mod sampler;
mod spans;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use config::{Decode, Decoder, Rules};
use pipeline::component::{
    BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, Transform, Verdict, decode,
};
use pipeline::{Batch, BuildError, Rejected, Signal};

use counts::{Counts, Tally};
use pipeline::sampling::Threshold;
use sampler::Sampler;

config::settings! {
    /// Which part is kept, and how it is chosen.
    pub struct Config {
        /// How many of a hundred are kept; 100 or more keeps all, 0 none.
        pub sampling_percentage: f64 = 0.0,
        /// How items are chosen: hash_seed, equalizing or proportional.
        pub mode: Mode = Mode::HashSeed,
        /// What is hashed before the trace id in mode hash_seed; agents behind each other need different ones.
        pub hash_seed: u32 = 0,
        /// Whether items whose sampling information is wrong or missing are dropped; else they are kept.
        pub fail_closed: bool = true,
        /// Hexadecimal digits of the thresholds that are written, 1 to 14.
        pub sampling_precision: u32 = 4,
        /// What a log record is chosen by: traceID, or record (the attribute from_attribute).
        pub attribute_source: Source = Source::TraceId,
        /// The attribute of log records that is hashed where there is no trace id.
        pub from_attribute: String = String::new(),
        /// The attribute of log records that holds a percentage of their own.
        pub sampling_priority: String = String::new(),
    }
}

config::words! {
    /// How items are chosen.
    pub enum Mode: "mode" {
        /// By a hash of the trace id and the seed.
        HashSeed = "hash_seed",
        /// By the trace id's randomness, all to the same probability.
        Equalizing = "equalizing",
        /// By the trace id's randomness, this part of what comes.
        Proportional = "proportional",
    }
}

config::words! {
    /// What a log record is chosen by.
    pub enum Source: "attribute_source" {
        /// The id of its trace.
        TraceId = "traceID",
        /// An attribute.
        Record = "record",
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        let ratio = self.sampling_percentage / 100.0;
        decoder.at("sampling_percentage", |d| {
            if !ratio.is_finite() || ratio < 0.0 {
                d.error("must be a number from 0 on");
            } else if ratio > 0.0 && ratio < Threshold::LEAST_PROBABILITY {
                d.error("is too small; the least is 100/2^56");
            }
        });
        if !(1..=14).contains(&self.sampling_precision) {
            decoder.at("sampling_precision", |d| d.error("must be 1 to 14"));
        }
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "probabilistic_sampler",
    alias: None,
    signals: &[Signal::Traces, Signal::Logs],
    stability: Stability::Beta,
    sample: "sampling_percentage: 15\nmode: proportional\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let counts = Counts::new(&cx, &self.from_attribute);
        let records = records::Records::new(self);
        Ok(Processor::Transform(Arc::new(Sampling { sampler: Sampler::new(self), records, counts })))
    }
}

struct Sampling {
    sampler: Sampler,
    records: records::Records,
    counts: Counts,
}

impl Transform for Sampling {
    fn apply(&self, mut batch: Batch) -> Verdict {
        let (before, signal) = (batch.items(), batch.signal());
        let mut tally = Tally::default();
        let outcome = match signal {
            Signal::Traces => {
                batch.retain_items(|content, out| Ok(tally.add(spans::sample(&self.sampler, content, out)?)))
            }
            Signal::Logs => {
                batch.retain_items(|content, out| Ok(tally.add(self.records.sample(&self.sampler, content, out)?)))
            }
            Signal::Metrics | Signal::Profiles => Ok(()),
        };
        if let Err(undecodable) = outcome {
            return Verdict::Reject(Rejected::permanent(undecodable.to_string()));
        }
        self.counts.add(signal, &tally, before - batch.items());
        if batch.items() == 0 { Verdict::Empty } else { Verdict::Pass(batch) }
    }
}
