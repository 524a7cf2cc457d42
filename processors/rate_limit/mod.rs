//! Lets a bounded stream pass: a token bucket per key.
//!
//! ```yaml
//! rate_limit:
//!   strategy: records
//!   rate: 100
//!   burst: 200
//!   keys: [container.id, event.name]
//!   overrides:
//!     event.name:linux.memory.oom_kill: {rate: 1000, burst: 1000}
//!   throttle_behavior: drop
//! ```
//!
//! A key is looked for on the record, its scope and its resource, in this order (of a profile's sample: sample, profile,
//! scope, resource); `event.name` is a log record's event name. An override is `name:value`, several joined by `;`, and
//! the first that fits a stream replaces its rate and burst.
//!
//! What becomes of what does not fit: `error` sends the whole request back and takes nothing (retryable with the time to
//! wait, or for good when it is larger than the burst); `delay` lets the whole request wait for its tokens, but not beyond
//! its sender's deadline, and refuses what is larger than the burst; `drop` drops single records; `sample` does too, but
//! lets `sample_percentage` of them pass: spans by their trace's id, so that traces stay whole, others by turns.
//!
//! At most `max_buckets` streams have a bucket of their own. Buckets that are full again go first, which changes nothing;
//! while none is, new streams share one. `kpulse_rate_limit_items` tells by class (`default`, each override, `overflow` for
//! those that share) how many items passed, were delayed, sampled, dropped or rejected. What is dropped is in
//! `kpulse_processor_dropped_items` too.

mod buckets;
mod classes;
mod counts;
mod items;
mod limiter;
mod profiles;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use config::{Decode, Decoder, Rules};
use indexmap::IndexMap;
use pipeline::component::{BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, decode};
use pipeline::{BuildError, Signal};

use limiter::RateLimit;

config::settings! {
    /// A bounded stream.
    pub struct Config {
        /// What a token is: one request, one record (span, point, sample) or one byte.
        pub strategy: Strategy = Strategy::Requests,
        /// Tokens a second.
        pub rate: u32 = 0,
        /// Tokens at once.
        pub burst: u32 = 0,
        /// Attributes that tell streams apart; each combination of values has a bucket of its own.
        pub keys: Vec<String> = Vec::new(),
        /// Client metadata that tells streams apart, as keys do.
        pub metadata_keys: Vec<String> = Vec::new(),
        /// Other limits for some streams, by `name:value` of their keys.
        pub overrides: IndexMap<String, Override> = IndexMap::new(),
        /// What becomes of what does not fit: error, delay, drop or sample.
        pub throttle_behavior: Throttle = Throttle::Error,
        /// How much of what does not fit passes all the same, with `sample`.
        pub sample_percentage: f64 = 10.0,
        /// How many buckets there may be; further streams share one.
        pub max_buckets: u32 = 10_000,
        /// What a throttled sender is told to wait at least.
        pub retry_delay: Duration = Duration::from_secs(1),
    }
}

config::settings! {
    /// Another limit.
    pub struct Override {
        /// Tokens a second; the general rate when left out.
        pub rate: Option<u32> = None,
        /// Tokens at once; the general burst when left out.
        pub burst: Option<u32> = None,
    }
}

impl Rules for Override {}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        for (key, value) in [("rate", self.rate), ("burst", self.burst), ("max_buckets", self.max_buckets)] {
            if value == 0 {
                decoder.at(key, |d| d.error("must be greater than zero"));
            }
        }
        if !(self.sample_percentage > 0.0 && self.sample_percentage <= 100.0) {
            decoder.at("sample_percentage", |d| d.error("must be greater than 0 and at most 100"));
        }
        if self.strategy == Strategy::Requests && !self.keys.is_empty() {
            decoder.at("keys", |d| {
                d.error("a request has no attributes; use strategy records or bytes, or metadata_keys")
            });
        }
        decoder.at("overrides", |decoder| classes::check(self, decoder));
    }
}

config::words! {
    /// What a token is.
    pub enum Strategy: "strategy" {
        /// One batch.
        Requests = "requests",
        /// One record, span, data point or profile sample.
        Records = "records",
        /// One byte of OTLP.
        Bytes = "bytes",
    }
}

config::words! {
    /// What becomes of what does not fit.
    pub enum Throttle: "throttle_behavior" {
        /// The whole request goes back, retryable.
        Error = "error",
        /// The whole request waits for its tokens.
        Delay = "delay",
        /// It is dropped and counted.
        Drop = "drop",
        /// A share of it passes, the rest is dropped and counted.
        Sample = "sample",
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "rate_limit",
    alias: Some("ratelimit"),
    signals: &Signal::ALL,
    stability: Stability::Beta,
    sample: "strategy: records\nrate: 100\nburst: 200\nkeys: [container.id, event.name]\noverrides:\n  \
             event.name:linux.memory.oom_kill: {rate: 1000, burst: 1000}\nthrottle_behavior: drop\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        Ok(Processor::Transform(Arc::new(RateLimit::new(self.clone(), &cx))))
    }
}
