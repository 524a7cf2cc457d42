//! Token buckets by key, bounded in number.

use std::collections::HashMap;
use std::time::Instant;

/// The values of the configured keys, in their order; `None` where there is no such attribute.
pub type Key = Vec<Option<String>>;

/// One bucket: what was in it, and when.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// All buckets of one limiter.
#[derive(Debug)]
pub struct Buckets {
    rate: f64,
    burst: f64,
    max: usize,
    by_key: HashMap<Key, Bucket>,
    /// For streams that found no bucket of their own.
    shared: Option<Bucket>,
}

impl Buckets {
    /// `rate` tokens a second, `burst` at once, for `max` streams.
    pub fn new(rate: u32, burst: u32, max: usize) -> Self {
        Self { rate: rate.into(), burst: burst.into(), max, by_key: HashMap::new(), shared: None }
    }

    /// Takes `cost` tokens of one stream, or none.
    pub fn take(&mut self, key: &Key, cost: u64, now: Instant) -> bool {
        let tokens = self.filled(key, now);
        let enough = *tokens >= cost as f64;
        if enough {
            *tokens -= cost as f64;
        }
        enough
    }

    /// Takes the tokens of several streams, or none of any.
    pub fn take_all(&mut self, wanted: &[(Key, u64)], now: Instant) -> bool {
        let enough = wanted.iter().all(|(key, cost)| *self.filled(key, now) >= *cost as f64);
        if enough {
            for (key, cost) in wanted {
                *self.filled(key, now) -= *cost as f64;
            }
        }
        enough
    }

    /// The tokens of a stream as of `now`.
    fn filled(&mut self, key: &Key, now: Instant) -> &mut f64 {
        let (rate, burst) = (self.rate, self.burst);
        let full = Bucket { tokens: burst, at: now };
        if !self.by_key.contains_key(key) && self.by_key.len() >= self.max {
            // A bucket that is full again remembers nothing.
            self.by_key.retain(|_, bucket| bucket.level(rate, burst, now) < burst);
        }
        let bucket = if self.by_key.contains_key(key) || self.by_key.len() < self.max {
            self.by_key.entry(key.clone()).or_insert(full)
        } else {
            self.shared.get_or_insert(full)
        };
        bucket.tokens = bucket.level(rate, burst, now);
        bucket.at = now;
        &mut bucket.tokens
    }
}

impl Bucket {
    fn level(&self, rate: f64, burst: f64, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.tokens + since * rate).min(burst)
    }
}
