//! Exponential histograms as histograms with bounds.

use std::ops::RangeInclusive;

use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::{ExponentialHistogramDataPoint, Histogram, HistogramDataPoint};

use super::item;
use crate::Failure;
use crate::call::Call;
use crate::expr::Expr;
use crate::target::Target;
use crate::value::Val;

/// Refuses bounds that are none.
pub fn check(call: &Call) -> Result<(), String> {
    let bounds = call.items(1);
    if bounds.is_empty() || !bounds.iter().all(|bound| matches!(bound, Expr::Literal(Val::Double(_)))) {
        return Err("explicit_bounds must be doubles that are written out, and at least one".into());
    }
    Ok(())
}

/// Makes the metric one with bounds. As many buckets as bounds come of it, as in the Collector: the last takes the rest.
pub fn convert(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let bound = |bound: &Expr| match bound {
        Expr::Literal(Val::Double(bound)) => Some(*bound),
        _ => None,
    };
    let bounds: Vec<f64> = call.items(1).iter().filter_map(bound).collect();
    let how = How::of(call.word(0));
    let metric = item(target)?;
    let Some(Data::ExponentialHistogram(data)) = &mut metric.data else { return Ok(()) };
    let points = std::mem::take(&mut data.data_points);
    let aggregation_temporality = data.aggregation_temporality;
    let data_points = points.into_iter().map(|point| converted(point, &bounds, how)).collect();
    metric.data = Some(Data::Histogram(Histogram { data_points, aggregation_temporality }));
    metric.metadata.clear();
    Ok(())
}

/// Where the values of a bucket go that lies in several new ones.
#[derive(Clone, Copy)]
enum How {
    Upper,
    Midpoint,
    Uniform,
    Random,
}

impl How {
    fn of(word: Option<&str>) -> Self {
        match word {
            Some("upper") => Self::Upper,
            Some("midpoint") => Self::Midpoint,
            Some("uniform") => Self::Uniform,
            _ => Self::Random,
        }
    }
}

fn converted(point: ExponentialHistogramDataPoint, bounds: &[f64], how: How) -> HistogramDataPoint {
    HistogramDataPoint {
        bucket_counts: counts(&point, bounds, how),
        explicit_bounds: bounds.to_vec(),
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        count: point.count,
        sum: Some(point.sum.unwrap_or(0.0)),
        min: Some(point.min.unwrap_or(0.0)),
        max: Some(point.max.unwrap_or(0.0)),
        exemplars: point.exemplars,
        attributes: point.attributes,
        ..HistogramDataPoint::default()
    }
}

fn counts(point: &ExponentialHistogramDataPoint, bounds: &[f64], how: How) -> Vec<u64> {
    let mut counts = vec![0_u64; bounds.len()];
    let (Some(positive), Some(last)) = (&point.positive, bounds.last()) else { return counts };
    if bounds[0] == 0.0 {
        counts[0] = point.zero_count;
    }
    let factor = std::f64::consts::LN_2 * (-f64::from(point.scale)).exp2();
    for (place, count) in positive.bucket_counts.iter().enumerate() {
        let index = f64::from(positive.offset) + place as f64;
        let (lower, upper) = ((index * factor).exp(), ((index + 1.0) * factor).exp());
        let within = bounds.windows(2).position(|pair| lower > pair[0] && upper <= pair[1]);
        match within {
            _ if lower > *last => put(&mut counts, bounds.len() - 1, *count),
            Some(place) => put(&mut counts, place, *count),
            None => spread(&mut counts, bounds, (lower, upper), *count, how),
        }
    }
    counts
}

fn put(counts: &mut [u64], place: usize, more: u64) {
    counts[place] = counts[place].wrapping_add(more);
}

fn spread(counts: &mut [u64], bounds: &[f64], (lower, upper): (f64, f64), count: u64, how: How) {
    let last = bounds.len() - 1;
    let first_not_below = |value: f64| bounds.iter().position(|bound| value <= *bound);
    match how {
        How::Upper => put(counts, first_not_below(upper).unwrap_or(last), count),
        How::Midpoint => {
            let place = first_not_below(f64::midpoint(upper, lower));
            put(counts, place.map_or(last, |place| place.saturating_sub(1)), count);
        }
        How::Uniform | How::Random => {
            let start = first_not_below(lower).unwrap_or(last);
            let end = first_not_below(upper).unwrap_or(last).max(start);
            match how {
                How::Random => randomly(counts, bounds, (lower, upper), start..=end, count),
                _ => evenly(counts, start..=end, count),
            }
        }
    }
}

fn evenly(counts: &mut [u64], places: RangeInclusive<usize>, count: u64) {
    let (start, number) = (*places.start(), places.count() as u64);
    for (place, counts) in counts.iter_mut().skip(start).take(number as usize).enumerate() {
        *counts = counts.wrapping_add(count / number + u64::from((place as u64) < count % number));
    }
}

/// Each new bucket gets a random part of its share; what is left goes to a random one.
fn randomly(counts: &mut [u64], bounds: &[f64], (lower, upper): (f64, f64), places: RangeInclusive<usize>, count: u64) {
    let mut left = count;
    for place in places.clone() {
        let below = place.checked_sub(1).map_or(lower, |below| bounds[below]);
        let share = (bounds[place].min(upper) - below.max(lower)).max(0.0) / (upper - lower);
        let part = ((count as f64 * share).trunc() * random()) as u64;
        let part = part.min(left);
        put(counts, place, part);
        left -= part;
    }
    let number = (places.end() - places.start() + 1) as f64;
    put(counts, (places.start() + (random() * number) as usize).min(*places.end()), left);
}

/// From 0 to below 1.
fn random() -> f64 {
    (uuid::Uuid::new_v4().as_u128() >> 75) as f64 / (1_u64 << 53) as f64
}
