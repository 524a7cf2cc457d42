//! What a histogram counted, and the difference of two such counts.

use std::collections::BTreeMap;

use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;
use pipeline::proto::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};

/// Everything in a histogram that only grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    shape: Shape,
    sum: f64,
    count: u64,
    zeros: u64,
    /// By their number.
    positive: BTreeMap<i32, u64>,
    negative: BTreeMap<i32, u64>,
}

/// What the number of a bucket means.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Bounds(Vec<f64>),
    Scale(i32),
}

/// What lies between two counts of one series.
#[derive(Debug, PartialEq)]
pub enum Difference {
    Gained(Counts),
    /// There is less than before.
    Fell,
    /// The buckets are others.
    OtherBuckets,
}

impl Counts {
    pub fn of_explicit(point: &HistogramDataPoint) -> Self {
        Self {
            shape: Shape::Bounds(point.explicit_bounds.clone()),
            sum: point.sum.unwrap_or(0.0),
            count: point.count,
            zeros: 0,
            positive: filled(0, &point.bucket_counts),
            negative: BTreeMap::new(),
        }
    }

    pub fn of_exponential(point: &ExponentialHistogramDataPoint) -> Self {
        let buckets = |buckets: &Option<Buckets>| {
            buckets.as_ref().map_or_else(BTreeMap::new, |buckets| filled(buckets.offset, &buckets.bucket_counts))
        };
        Self {
            shape: Shape::Scale(point.scale),
            sum: point.sum.unwrap_or(0.0),
            count: point.count,
            zeros: point.zero_count,
            positive: buckets(&point.positive),
            negative: buckets(&point.negative),
        }
    }

    /// Writes these counts over those of a point with the same bounds.
    pub fn put_explicit(&self, point: &mut HistogramDataPoint) {
        point.count = self.count;
        point.sum = point.sum.map(|_| self.sum);
        for (number, count) in point.bucket_counts.iter_mut().enumerate() {
            *count = self.positive.get(&(number as i32)).copied().unwrap_or(0);
        }
    }

    /// Writes these counts over those of a point, in their own scale.
    pub fn put_exponential(&self, point: &mut ExponentialHistogramDataPoint) {
        if let Shape::Scale(scale) = self.shape {
            point.scale = scale;
        }
        point.count = self.count;
        point.zero_count = self.zeros;
        point.sum = point.sum.map(|_| self.sum);
        point.positive = Some(dense(&self.positive));
        point.negative = Some(dense(&self.negative));
    }

    /// What was added since `before`.
    pub fn minus(mut self, mut before: Self) -> Difference {
        if let (Shape::Scale(now), Shape::Scale(then)) = (&self.shape, &before.shape) {
            let scale = *now.min(then);
            self.coarsen(scale);
            before.coarsen(scale);
        }
        if self.shape != before.shape {
            return Difference::OtherBuckets;
        }
        self.subtract(&before).map_or(Difference::Fell, |()| Difference::Gained(self))
    }

    fn subtract(&mut self, before: &Self) -> Option<()> {
        self.sum -= before.sum;
        self.count = self.count.checked_sub(before.count)?;
        self.zeros = self.zeros.checked_sub(before.zeros)?;
        for (now, then) in [(&mut self.positive, &before.positive), (&mut self.negative, &before.negative)] {
            for (number, count) in then {
                let left = now.get_mut(number)?;
                *left = left.checked_sub(*count)?;
            }
            now.retain(|_, count| *count > 0);
        }
        Some(())
    }

    /// Buckets of a smaller scale hold two each of the scale above.
    fn coarsen(&mut self, scale: i32) {
        let Shape::Scale(from) = self.shape else { return };
        let steps = from.saturating_sub(scale).clamp(0, 31);
        for buckets in [&mut self.positive, &mut self.negative] {
            for (number, count) in std::mem::take(buckets) {
                *buckets.entry(number >> steps).or_default() += count;
            }
        }
        self.shape = Shape::Scale(scale);
    }
}

fn filled(offset: i32, counts: &[u64]) -> BTreeMap<i32, u64> {
    let numbered = counts.iter().enumerate().map(|(at, count)| (offset.saturating_add(at as i32), *count));
    numbered.filter(|(_, count)| *count > 0).collect()
}

fn dense(buckets: &BTreeMap<i32, u64>) -> Buckets {
    let (Some((first, _)), Some((last, _))) = (buckets.first_key_value(), buckets.last_key_value()) else {
        return Buckets::default();
    };
    let counts = (*first..=*last).map(|number| buckets.get(&number).copied().unwrap_or(0));
    Buckets { offset: *first, bucket_counts: counts.collect() }
}
