//! The settings of the stack, named as in the Collector.

use std::sync::Arc;
use std::time::Duration;

use config::{Decoder, Rules, Section};

use super::QueueSettings;
use crate::BuildError;
use crate::component::BuildContext;
use crate::storage::Storages;

/// Which stages an exporter has in front of it. The default is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivery {
    /// Holds batches while the exporter is busy.
    pub queue: Option<QueueSettings>,
    /// Sends again what failed.
    pub retry: Option<RetrySettings>,
    /// How often at most it is sent again; none is as often as the time of retries allows.
    pub max_retries: Option<u32>,
    /// Ends an attempt that takes longer.
    pub timeout: Option<Duration>,
}

impl Delivery {
    /// The storage that the queue is to be in.
    pub(crate) fn storages(&self, cx: &BuildContext) -> Result<Option<Arc<dyn Storages>>, BuildError> {
        let Some(id) = self.queue.as_ref().and_then(|queue| queue.storage.get()) else {
            return Ok(None);
        };
        let extension = cx.extensions.get(id).map_err(|message| BuildError::of(cx, message))?;
        let storages = extension.clone().storages();
        let missing = || BuildError::of(cx, format!("extension \"{id}\" is not a storage extension"));
        storages.ok_or_else(missing).map(Some)
    }

    /// A queue alone, for exporters that have nobody to try again with.
    pub fn queued(queue: &Section<QueueSettings>) -> Self {
        Self { queue: queue.get().cloned(), ..Self::default() }
    }

    /// The stages that an exporter's settings turn on; a timeout of zero is none.
    pub fn new(queue: &Section<QueueSettings>, retry: &Section<RetrySettings>, timeout: Duration) -> Self {
        Self {
            queue: queue.get().cloned(),
            retry: retry.get().cloned(),
            max_retries: None,
            timeout: Some(timeout).filter(|timeout| !timeout.is_zero()),
        }
    }
}

config::settings! {
    /// How a batch that failed is sent again.
    pub struct RetrySettings {
        /// The wait after the first failure.
        pub initial_interval: Duration = Duration::from_secs(5),
        /// A wait is drawn from this share below to this share above its interval.
        pub randomization_factor: f64 = 0.5,
        /// The interval grows by this with every failure.
        pub multiplier: f64 = 1.5,
        /// The interval grows no further.
        pub max_interval: Duration = Duration::from_secs(30),
        /// No attempt begins later than this after the first; 0 is never too late.
        pub max_elapsed_time: Duration = Duration::from_secs(300),
    }
}

impl Rules for RetrySettings {
    fn rules(&self, decoder: &mut Decoder) {
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            decoder.at("randomization_factor", |d| d.error("must be between 0 and 1"));
        }
        if !(self.multiplier >= 0.0 && self.multiplier.is_finite()) {
            decoder.at("multiplier", |d| d.error("must not be negative"));
        }
        let longest = self.initial_interval.max(self.max_interval);
        if !self.max_elapsed_time.is_zero() && self.max_elapsed_time < longest {
            decoder.at("max_elapsed_time", |d| d.error("must not be below initial_interval or max_interval"));
        }
    }
}
