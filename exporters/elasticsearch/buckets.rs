//! Buckets as single values with counts, which is all that a `histogram` field holds.

use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;
use pipeline::proto::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};

/// The middles of buckets that are not empty. `None` when counts and bounds do not belong together.
pub fn explicit(point: &HistogramDataPoint) -> Option<Vec<(f64, u64)>> {
    let (bounds, counts) = (&point.explicit_bounds, &point.bucket_counts);
    if !counts.is_empty() && counts.len() != bounds.len() + 1 {
        return None;
    }
    let Some(last) = bounds.last() else {
        let mean = point.sum.unwrap_or(0.0) / point.count as f64;
        return Some(if point.count > 0 { vec![(mean, point.count)] } else { Vec::new() });
    };
    let value = |at: usize| match (at.checked_sub(1).map(|below| bounds[below]), bounds.get(at)) {
        (Some(below), Some(above)) => below + (above - below) / 2.0,
        (None, Some(first)) if *first > 0.0 => first / 2.0,
        (None, Some(first)) => *first,
        (_, None) => *last,
    };
    let filled = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    Some(filled.map(|(at, count)| (value(at), *count)).collect())
}

/// The middles of buckets that are not empty, in the order of their values.
pub fn exponential(point: &ExponentialHistogramDataPoint) -> Vec<(f64, u64)> {
    let base = 2_f64.powi(-point.scale);
    let bound = |index: i32| (f64::from(index) * base).exp2().min(f64::MAX);
    let middle = |index: i32| {
        let (below, above) = (bound(index), bound(index.saturating_add(1)));
        below + (above - below) / 2.0
    };
    let mut all: Vec<_> = filled(point.negative.as_ref()).map(|(index, count)| (-middle(index), count)).collect();
    all.reverse();
    all.extend((point.zero_count > 0).then_some((0.0, point.zero_count)));
    all.extend(filled(point.positive.as_ref()).map(|(index, count)| (middle(index), count)));
    all
}

fn filled(buckets: Option<&Buckets>) -> impl Iterator<Item = (i32, u64)> + '_ {
    let offset = buckets.map_or(0, |buckets| buckets.offset);
    let counts = buckets.map_or(&[][..], |buckets| &buckets.bucket_counts);
    let all = counts.iter().enumerate().map(move |(at, count)| (offset.saturating_add(at as i32), *count));
    all.filter(|(_, count)| *count > 0)
}
