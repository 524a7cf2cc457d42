//! Exponential histograms as classic buckets, because the text format has no others.

use pipeline::proto::metrics::v1::ExponentialHistogramDataPoint;
use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;

/// Bounds and counts as an explicit histogram has them: one more count than bounds.
pub fn classic(point: &ExponentialHistogramDataPoint) -> (Vec<f64>, Vec<u64>) {
    let base = 2_f64.powf(2_f64.powi(-point.scale));
    let mut bounds = Vec::new();
    let mut counts = Vec::new();
    let mut push = |bound: f64, count: u64| {
        bounds.push(bound);
        counts.push(count);
    };
    // Bucket i holds base^i < |v| <= base^(i+1): below zero the upper bound is the smaller one.
    for (index, count) in indexed(point.negative.as_ref()).rev() {
        push(-base.powi(index), count);
    }
    if point.zero_count > 0 || point.negative.is_some() {
        push(point.zero_threshold, point.zero_count);
    }
    for (index, count) in indexed(point.positive.as_ref()) {
        push(base.powi(index + 1), count);
    }
    counts.push(0);
    (bounds, counts)
}

fn indexed(buckets: Option<&Buckets>) -> impl DoubleEndedIterator<Item = (i32, u64)> + '_ {
    let offset = buckets.map_or(0, |buckets| buckets.offset);
    let counts = buckets.map_or(&[][..], |buckets| &buckets.bucket_counts);
    counts.iter().enumerate().map(move |(at, count)| (offset.saturating_add(at as i32), *count))
}
