//! Policies that keep a rate: token buckets that begin full.

use tokio::time::Instant;

use crate::tail_sampling::evaluator::{Evaluate, Seen, Verdict};
use crate::tail_sampling::settings::{BytesLimiting, RateLimiting};

/// A bucket of spans or bytes. A trace that does not fit as a whole takes nothing.
pub struct Rate {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Option<Instant>,
    size: fn(&Seen<'_>) -> u64,
}

impl Rate {
    /// A rate of spans.
    pub fn of_spans(settings: &RateLimiting) -> Self {
        Self::new(settings.spans_per_second, settings.burst_capacity, |trace| trace.spans)
    }

    /// A rate of bytes.
    pub fn of_bytes(settings: &BytesLimiting) -> Self {
        Self::new(settings.bytes_per_second, settings.burst_capacity, |trace| trace.bytes.len() as u64)
    }

    fn new(per_second: u64, burst: u64, size: fn(&Seen<'_>) -> u64) -> Self {
        let per_second = per_second as f64;
        let burst = if burst == 0 { per_second * 2.0 } else { burst as f64 };
        Self { per_second, burst, tokens: burst, at: None, size }
    }
}

impl Evaluate for Rate {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        let passed = self.at.map_or(0.0, |at| trace.now.saturating_duration_since(at).as_secs_f64());
        self.tokens = self.burst.min(self.tokens + passed * self.per_second);
        self.at = Some(trace.now);
        let size = (self.size)(trace) as f64;
        let fits = size <= self.tokens;
        if fits {
            self.tokens -= size;
        }
        Ok(Verdict::when(fits))
    }

    fn is_stateful(&self) -> bool {
        true
    }
}
