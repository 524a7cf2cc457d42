//! Exponential histograms of values that are not negative.
//!
//! Source: OpenTelemetry's data model of metrics. Bucket `i` of scale `s` holds what is above `2^(i / 2^s)` and not above
//! `2^((i + 1) / 2^s)`. The scale starts high and falls whenever values lie too far apart for `max_size` buckets.

use pipeline::proto::metrics::v1::ExponentialHistogramDataPoint;
use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;

const HIGHEST_SCALE: i32 = 20;
const LOWEST_SCALE: i32 = -10;

/// A histogram that grows.
#[derive(Clone, Debug)]
pub struct Exponential {
    max_size: u32,
    scale: i32,
    offset: i32,
    counts: Vec<u64>,
    zero: u64,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Exponential {
    /// An empty one that never has more buckets than this.
    pub fn new(max_size: u32) -> Self {
        let counts = Vec::new();
        let (min, max) = (f64::INFINITY, 0.0);
        Self {
            max_size: max_size.max(2),
            scale: HIGHEST_SCALE,
            offset: 0,
            counts,
            zero: 0,
            count: 0,
            sum: 0.0,
            min,
            max,
        }
    }

    /// Takes a value in, so many times.
    pub fn add(&mut self, value: f64, times: u64) {
        self.count += times;
        self.sum += value * times as f64;
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
        if value <= 0.0 {
            self.zero += times;
            return;
        }
        let (low, high) = self.range_with(index(value, self.scale));
        let (mut by, mut spread) = (0, i64::from(high) - i64::from(low));
        while spread >= i64::from(self.max_size) && self.scale - by > LOWEST_SCALE {
            by += 1;
            spread = (i64::from(high) >> by) - (i64::from(low) >> by);
        }
        self.lower_scale(by);
        let index = index(value, self.scale);
        self.make_room(index);
        if let Some(count) = usize::try_from(index - self.offset).ok().and_then(|at| self.counts.get_mut(at)) {
            *count += times;
        }
    }

    /// The point without attributes and times.
    pub fn point(&self) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            count: self.count,
            sum: Some(self.sum),
            min: (self.count > 0).then_some(self.min),
            max: (self.count > 0).then_some(self.max),
            zero_count: self.zero,
            scale: if self.counts.is_empty() { 0 } else { self.scale },
            positive: Some(Buckets { offset: self.offset, bucket_counts: self.counts.clone() }),
            negative: Some(Buckets::default()),
            ..ExponentialHistogramDataPoint::default()
        }
    }

    /// The lowest and the highest bucket when there is one with this index too.
    fn range_with(&self, index: i32) -> (i32, i32) {
        match self.counts.len() {
            0 => (index, index),
            len => (self.offset.min(index), (self.offset + len as i32 - 1).max(index)),
        }
    }

    /// Puts 2^by buckets into one.
    fn lower_scale(&mut self, by: i32) {
        if by == 0 {
            return;
        }
        self.scale -= by;
        let (old_offset, old) = (self.offset, std::mem::take(&mut self.counts));
        self.offset = old_offset >> by;
        for (at, count) in old.into_iter().enumerate() {
            let index = (old_offset + at as i32) >> by;
            self.make_room(index);
            if let Some(kept) = usize::try_from(index - self.offset).ok().and_then(|at| self.counts.get_mut(at)) {
                *kept += count;
            }
        }
    }

    fn make_room(&mut self, index: i32) {
        if self.counts.is_empty() {
            self.offset = index;
        }
        let before = usize::try_from(self.offset - index).unwrap_or(0);
        self.counts.splice(0..0, std::iter::repeat_n(0, before));
        self.offset = self.offset.min(index);
        let needed = usize::try_from(index - self.offset).unwrap_or(0) + 1;
        if self.counts.len() < needed {
            self.counts.resize(needed, 0);
        }
    }
}

/// The bucket of a value above zero.
fn index(value: f64, scale: i32) -> i32 {
    let bits = value.to_bits();
    // Values too small for a leading bit count as the smallest with one.
    let exponent = (((bits >> 52) & 0x7ff) as i32 - 1023).max(-1022);
    let is_power = bits & ((1 << 52) - 1) == 0;
    if scale <= 0 {
        // Upper bounds belong to their bucket: a power of two lies in the one below it.
        return (exponent - i32::from(is_power)) >> -scale;
    }
    if is_power {
        return (exponent << scale) - 1;
    }
    let factor = std::f64::consts::LOG2_E * f64::from(1_u32 << scale);
    let index = (value.ln() * factor).floor() as i32;
    // Rounding must not lead over the next power of two.
    index.min(((exponent + 1) << scale) - 1)
}
