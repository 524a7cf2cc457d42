//! Policies about the trace and its spans.

use crate::tail_sampling::evaluator::{Evaluate, Seen, Verdict};
use crate::tail_sampling::settings;
use crate::tail_sampling::settings::Wrong;
use pipeline::sampling::{fnv_1a_64, member};

/// Fits always.
pub struct Always;

impl Evaluate for Always {
    fn evaluate(&mut self, _: &mut Seen<'_>) -> Result<Verdict, String> {
        Ok(Verdict::Sampled)
    }
}

/// How long it took.
pub struct Latency {
    threshold_ms: i64,
    upper_threshold_ms: i64,
}

impl Latency {
    pub fn new(settings: &settings::Latency) -> Self {
        Self { threshold_ms: settings.threshold_ms, upper_threshold_ms: settings.upper_threshold_ms }
    }

    fn fits(&self, milliseconds: i64) -> bool {
        match self.upper_threshold_ms {
            0 => milliseconds >= self.threshold_ms,
            upper => self.threshold_ms < milliseconds && milliseconds <= upper,
        }
    }
}

impl Evaluate for Latency {
    /// Looks after each span, as the Collector does: with an upper threshold, the first spans of a trace may fit and the
    /// whole may not.
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        let (mut first, mut last) = (0, 0);
        trace.has_span(|span| {
            let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
            first = if first == 0 { start } else { start.min(first) };
            last = if last == 0 { end } else { end.max(last) };
            self.fits((last as i64).wrapping_sub(first as i64) / 1_000_000)
        })
    }

    fn is_stateful(&self) -> bool {
        self.upper_threshold_ms > 0
    }
}

/// The status of one span.
pub struct StatusCode(Vec<i32>);

impl StatusCode {
    /// # Errors
    /// A code that does not exist, or that there is none.
    pub fn new(settings: &settings::StatusCode) -> Result<Self, Wrong> {
        let code = |name: &String| match &**name {
            "UNSET" => Ok(0),
            "OK" => Ok(1),
            "ERROR" => Ok(2),
            other => Err(format!("unknown status code {other:?}; known here: OK, ERROR, UNSET")),
        };
        let codes: Result<Vec<_>, _> = settings.status_codes.iter().map(code).collect();
        match codes {
            Ok(codes) if codes.is_empty() => Err(Wrong::new("status_code", "status_codes must have at least one code")),
            Ok(codes) => Ok(Self(codes)),
            Err(message) => Err(Wrong::new("status_code", message)),
        }
    }
}

impl Evaluate for StatusCode {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        trace.has_span(|span| self.0.contains(&span.status.as_ref().map_or(0, |status| status.code)))
    }
}

/// How many spans there are.
pub struct SpanCount {
    min: u64,
    max: u64,
}

impl SpanCount {
    pub fn new(settings: &settings::SpanCount) -> Self {
        let number = |number: i32| u64::try_from(number).unwrap_or(0);
        Self { min: number(settings.min_spans), max: number(settings.max_spans) }
    }
}

impl Evaluate for SpanCount {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        Ok(Verdict::when(trace.spans >= self.min && (self.max == 0 || trace.spans <= self.max)))
    }

    fn is_stateful(&self) -> bool {
        self.max > 0
    }
}

/// A value in the trace state of one span.
pub struct TraceState {
    key: String,
    values: Vec<String>,
}

impl TraceState {
    pub fn new(settings: &settings::TraceStateValue) -> Self {
        // Longer ones cannot be in a trace state.
        let fits = |value: &&String| !value.is_empty() && settings.key.len() + value.len() < 256;
        Self { key: settings.key.clone(), values: settings.values.iter().filter(fits).cloned().collect() }
    }
}

impl Evaluate for TraceState {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        trace.has_span(|span| {
            member(&span.trace_state, &self.key).is_some_and(|value| self.values.iter().any(|wanted| wanted == value))
        })
    }
}

/// Whether one span has the sampled flag.
pub struct TraceFlags;

impl Evaluate for TraceFlags {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        trace.has_span(|span| span.flags & 1 != 0)
    }
}

/// A part of all traces, by a hash of their ids.
pub struct Probabilistic {
    salt: String,
    threshold: u64,
}

impl Probabilistic {
    pub fn new(settings: &settings::Probabilistic) -> Self {
        let salt = if settings.hash_salt.is_empty() { "default-hash-seed" } else { &settings.hash_salt };
        Self { salt: salt.to_owned(), threshold: part_of_all(settings.sampling_percentage / 100.0) }
    }
}

/// This part of the largest number, without the error that floating point would make.
fn part_of_all(ratio: f64) -> u64 {
    if ratio.is_nan() || ratio <= 0.0 {
        return 0;
    }
    if ratio >= 1.0 {
        return u64::MAX;
    }
    // ratio = mantissa / 2^1074 * 2^(exponent - 1), with the leading bit that normal numbers leave out.
    let bits = ratio.to_bits();
    let (exponent, fraction) = ((bits >> 52) as u32, bits & ((1 << 52) - 1));
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let shift = 1075 - exponent.max(1);
    let product = u128::from(u64::MAX) * u128::from(mantissa);
    u64::try_from(product.checked_shr(shift).unwrap_or(0)).unwrap_or(u64::MAX)
}

impl Evaluate for Probabilistic {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        Ok(Verdict::when(fnv_1a_64(&[self.salt.as_bytes(), &trace.id]) <= self.threshold))
    }
}
