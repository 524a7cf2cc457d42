//! How long to wait before the next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::RetrySettings;

/// Growing waits with chance in them, so that agents that failed together do not come back together.
#[derive(Debug)]
pub(super) struct Backoff<'a> {
    settings: &'a RetrySettings,
    interval: Duration,
}

impl<'a> Backoff<'a> {
    pub(super) fn new(settings: &'a RetrySettings) -> Self {
        Self { settings, interval: settings.initial_interval }
    }

    /// The wait after one more failure. `chance` is in 0.0..=1.0.
    pub(super) fn next(&mut self, chance: f64) -> Duration {
        let factor = 1.0 + self.settings.randomization_factor * (2.0 * chance - 1.0);
        let wait = self.interval.mul_f64(factor);
        let grown = Duration::try_from_secs_f64(self.interval.as_secs_f64() * self.settings.multiplier);
        self.interval = grown.unwrap_or(Duration::MAX).min(self.settings.max_interval);
        wait
    }
}

/// A number in 0.0..=1.0. The standard library's hasher keys are the only chance that is needed here.
pub(super) fn chance() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}
