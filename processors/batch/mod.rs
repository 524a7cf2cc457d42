//! Joins small batches into larger ones, and cuts too large ones.
//!
//! ```yaml
//! batch:
//!   timeout: 200ms
//!   send_batch_size: 8192
//!   send_batch_max_size: 10000
//! ```
//!
//! A batch goes on when it holds `send_batch_size` items or its oldest item has waited for `timeout`, and never with more
//! than `send_batch_max_size`. Joining appends OTLP bytes and cutting copies them; nothing is decoded but profiles, which
//! share a dictionary (the Collector's `batch` does not take them). As in the
//! Collector, a sender is answered as soon as its items are taken, so what fails later cannot go back: it is logged and
//! counted in `kpulse_processor_dropped_items` by reason (`retryable`, `permanent`, `closed`, and `shutdown` for what a
//! stop had no time for). A sender waits while the next component does. At a stop everything held is sent at once.

mod counts;
mod router;
mod shard;
#[cfg(test)]
mod tests;

use std::time::Duration;

use config::{Decode, Decoder, Rules};
use pipeline::component::{BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, decode};
use pipeline::{BuildError, Signal};

use counts::Counts;

config::settings! {
    /// When batches go on, and how large.
    pub struct Config {
        /// How long an item may wait; 0 sends at once.
        pub timeout: Duration = Duration::from_millis(200),
        /// How many items are enough; 0 sends at once.
        pub send_batch_size: u32 = 8192,
        /// How many items a batch may hold at most; 0 is any number.
        pub send_batch_max_size: u32 = 0,
        /// Client metadata that must not be mixed; each combination of values has batches of its own.
        pub metadata_keys: Vec<String> = Vec::new(),
        /// How many combinations there may be; 0 is any number. More are refused.
        pub metadata_cardinality_limit: u32 = 1000,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.send_batch_max_size > 0 && self.send_batch_max_size < self.send_batch_size {
            decoder.at("send_batch_max_size", |d| d.error("must be greater or equal to send_batch_size"));
        }
        for (index, key) in self.metadata_keys.iter().enumerate() {
            if self.metadata_keys[..index].iter().any(|other| other.eq_ignore_ascii_case(key)) {
                decoder.at("metadata_keys", |d| d.error(format!("duplicate entry {key:?} (case-insensitive)")));
            }
        }
    }
}

impl Config {
    /// Whether items wait for others at all.
    fn waits(&self) -> bool {
        !self.timeout.is_zero() && self.send_batch_size > 0
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "batch",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Beta,
    sample: "timeout: 200ms\nsend_batch_size: 8192\nsend_batch_max_size: 10000\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let (config, counts) = (self.clone(), Counts::new(&cx));
        Ok(Processor::Wrap(Box::new(move |next, tasks| router::around(next, config, counts, &cx.id, tasks))))
    }
}
