//! Lets a bounded stream pass: a token bucket per key.
//!
//! ```yaml
//! rate_limit:
//!   strategy: records
//!   rate: 100
//!   burst: 200
//!   keys: [container.id, event.name]
//!   throttle_behavior: drop
//! ```
//!
//! A key is looked for on the record, then its scope, then its resource; `event.name` is a log record's event name.
//! `error` sends the whole request back (retryable, nothing is taken); `drop` drops what does not fit and counts it in
//! `kpulse_processor_dropped_items`.

mod buckets;
mod items;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use config::{Decode, Decoder, Rules};
use opentelemetry::KeyValue;
use pipeline::component::{
    BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, Transform, Verdict, decode,
};
use pipeline::proto::{LogsRequest, MetricsRequest, TracesRequest};
use pipeline::{Batch, BuildError, Code, ItemCounter, Rejected, Signal, Undecodable};

use buckets::Buckets;
use items::Items;

config::settings! {
    /// A bounded stream.
    pub struct Config {
        /// What a token is: one request, one record (span, point) or one byte.
        pub strategy: Strategy = Strategy::Requests,
        /// Tokens a second.
        pub rate: u32 = 0,
        /// Tokens at once.
        pub burst: u32 = 0,
        /// Attributes that tell streams apart; each combination of values has a bucket of its own.
        pub keys: Vec<String> = Vec::new(),
        /// Client metadata that tells streams apart, as keys do.
        pub metadata_keys: Vec<String> = Vec::new(),
        /// What becomes of what does not fit.
        pub throttle_behavior: Throttle = Throttle::Error,
        /// How many buckets there may be; further streams share one.
        pub max_buckets: u32 = 10_000,
        /// What a throttled sender is told to wait.
        pub retry_delay: Duration = Duration::from_secs(1),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        for (key, value) in [("rate", self.rate), ("burst", self.burst), ("max_buckets", self.max_buckets)] {
            if value == 0 {
                decoder.at(key, |d| d.error("must be greater than zero"));
            }
        }
        if self.strategy == Strategy::Requests && !self.keys.is_empty() {
            decoder.at("keys", |d| {
                d.error("a request has no attributes; use strategy records or bytes, or metadata_keys")
            });
        }
    }
}

config::words! {
    /// What a token is.
    pub enum Strategy: "strategy" {
        /// One batch.
        Requests = "requests",
        /// One record, span or data point.
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
        /// It is dropped and counted.
        Drop = "drop",
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "rate_limit",
    alias: Some("ratelimit"),
    signals: &[Signal::Traces, Signal::Metrics, Signal::Logs],
    stability: Stability::Alpha,
    sample: "strategy: records\nrate: 100\nburst: 200\nkeys: [container.id, event.name]\nthrottle_behavior: drop\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let labels = vec![KeyValue::new("processor", cx.id.to_string()), KeyValue::new("reason", "throttled")];
        let about = "Number of items that a processor dropped.";
        Ok(Processor::Transform(Arc::new(RateLimit {
            dropped: cx.telemetry.items("kpulse_processor_dropped_items".into(), about, labels),
            buckets: Mutex::new(Buckets::new(self.rate, self.burst, self.max_buckets as usize)),
            config: self.clone(),
        })))
    }
}

struct RateLimit {
    config: Config,
    buckets: Mutex<Buckets>,
    dropped: ItemCounter,
}

impl Transform for RateLimit {
    fn apply(&self, batch: Batch) -> Verdict {
        self.apply_at(batch, Instant::now())
    }
}

impl RateLimit {
    fn apply_at(&self, batch: Batch, now: Instant) -> Verdict {
        if self.config.keys.is_empty()
            && let Some(verdict) = self.whole(&batch, now)
        {
            return verdict.unwrap_or(Verdict::Pass(batch));
        }
        let signal = batch.signal();
        let limited = match signal {
            Signal::Traces => self.by_item::<TracesRequest>(batch, now),
            Signal::Metrics => self.by_item::<MetricsRequest>(batch, now),
            Signal::Logs => self.by_item::<LogsRequest>(batch, now),
            Signal::Profiles => Ok(Verdict::Pass(batch)),
        };
        limited.unwrap_or_else(|e| Verdict::Reject(Rejected::permanent(e.to_string())))
    }

    /// Decides on the batch as a whole, without looking into it, where that is possible: `Some(None)` lets it pass.
    fn whole(&self, batch: &Batch, now: Instant) -> Option<Option<Verdict>> {
        let cost = match self.config.strategy {
            Strategy::Requests => 1,
            Strategy::Records => u64::from(batch.items()),
            Strategy::Bytes => batch.encode().len() as u64,
        };
        let key = self.metadata(batch);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.take(&key, cost, now) {
            return Some(None);
        }
        match (self.config.throttle_behavior, self.config.strategy) {
            (Throttle::Error, _) => Some(Some(self.rejection())),
            (Throttle::Drop, Strategy::Requests) => {
                self.dropped.add(batch.items());
                Some(Some(Verdict::Empty))
            }
            // A part of it may still fit.
            (Throttle::Drop, _) => None,
        }
    }

    fn by_item<T: Items>(&self, mut batch: Batch, now: Instant) -> Result<Verdict, Undecodable> {
        let metadata = self.metadata(&batch);
        let before = batch.items();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let key_and_cost = |item: &items::Item<'_>| {
            let mut key = metadata.clone();
            key.extend(self.config.keys.iter().map(|name| item.lookup(name)));
            let cost = if self.config.strategy == Strategy::Bytes { item.bytes as u64 } else { 1 };
            (key, cost)
        };
        if self.config.throttle_behavior == Throttle::Error {
            let mut wanted: Vec<(buckets::Key, u64)> = Vec::new();
            if let Some(request) = batch.read::<T>()? {
                request.visit(&mut |item| {
                    let (key, cost) = key_and_cost(item);
                    match wanted.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, sum)) => *sum += cost,
                        None => wanted.push((key, cost)),
                    }
                });
            }
            return Ok(if buckets.take_all(&wanted, now) { Verdict::Pass(batch) } else { self.rejection() });
        }
        batch.change::<T>(|request| {
            request.retain(&mut |item| {
                let (key, cost) = key_and_cost(item);
                buckets.take(&key, cost, now)
            });
        })?;
        let dropped = before - batch.items();
        self.dropped.add(dropped);
        Ok(if batch.items() == 0 { Verdict::Empty } else { Verdict::Pass(batch) })
    }

    fn metadata(&self, batch: &Batch) -> buckets::Key {
        let value = |name: &String| {
            let metadata = &batch.origin().metadata;
            metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        self.config.metadata_keys.iter().map(value).collect()
    }

    fn rejection(&self) -> Verdict {
        let reason = format!("rate limit of {} a second exceeded", self.config.rate);
        Verdict::Reject(Rejected {
            code: Some(Code::ResourceExhausted),
            retry_after: Some(self.config.retry_delay),
            ..Rejected::retryable(reason)
        })
    }
}
