//! Percentiles of histograms as gauges.

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::{ExponentialHistogramDataPoint, Gauge, HistogramDataPoint, Metric, NumberDataPoint};

use super::item;
use crate::Failure;
use crate::call::Call;
use crate::functions::format::shortest;
use crate::target::Target;

/// Refuses what is no percentile.
pub fn check(call: &Call) -> Result<(), String> {
    match call.double(0) {
        Some(percentile) if percentile > 0.0 && percentile < 100.0 => Ok(()),
        _ => Err("percentile must be above 0 and below 100".into()),
    }
}

/// Adds a gauge of the percentile of each point that has values.
pub fn extract(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let percentile = call.double(0).unwrap_or_default();
    let metric = item(target)?;
    let data_points = match &metric.data {
        Some(Data::Histogram(data)) => points(&data.data_points, |point| {
            of_histogram(point, percentile)
                .map(|value| value.map(|value| gauge(value, &point.attributes, times(point))))
        })?,
        Some(Data::ExponentialHistogram(data)) => points(&data.data_points, |point| {
            let times = (point.start_time_unix_nano, point.time_unix_nano);
            of_exponential(point, percentile).map(|value| value.map(|value| gauge(value, &point.attributes, times)))
        })?,
        _ => return Ok(()),
    };
    if data_points.is_empty() {
        return Ok(());
    }
    let name = format!("p{}", shortest(percentile));
    let suffix = call.word(1).filter(|suffix| !suffix.is_empty()).map_or_else(|| format!("_{name}"), str::to_owned);
    let made = Metric {
        name: format!("{}{suffix}", metric.name),
        description: match &*metric.description {
            "" => name,
            description => format!("{description} ({name})"),
        },
        unit: metric.unit.clone(),
        data: Some(Data::Gauge(Gauge { data_points })),
        ..Metric::default()
    };
    target.made.push(made);
    Ok(())
}

fn points<P>(
    points: &[P],
    make: impl Fn(&P) -> Result<Option<NumberDataPoint>, Failure>,
) -> Result<Vec<NumberDataPoint>, Failure> {
    points.iter().filter_map(|point| make(point).transpose()).collect()
}

fn times(point: &HistogramDataPoint) -> (u64, u64) {
    (point.start_time_unix_nano, point.time_unix_nano)
}

fn gauge(value: f64, attributes: &[KeyValue], times: (u64, u64)) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes.to_vec(),
        start_time_unix_nano: times.0,
        time_unix_nano: times.1,
        value: Some(Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

/// The place of the value that is looked for, counted from one.
fn wanted(count: u64, percentile: f64) -> u64 {
    (count as f64 * (percentile / 100.0)).ceil() as u64
}

/// The bucket in which the `wanted`th value is, and which part of it lies below.
fn bucket(counts: impl Iterator<Item = u64>, before: u64, wanted: u64) -> Option<(usize, f64)> {
    let mut sum = before;
    for (place, count) in counts.enumerate() {
        let below = sum;
        sum = sum.wrapping_add(count);
        if sum >= wanted {
            return Some((place, wanted.wrapping_sub(below) as f64 / count as f64));
        }
    }
    None
}

fn too_few() -> Failure {
    Failure::from("a histogram whose buckets have fewer values than it says")
}

/// `None` for a point that has no values to look at.
fn of_histogram(point: &HistogramDataPoint, percentile: f64) -> Result<Option<f64>, Failure> {
    let (counts, bounds) = (&point.bucket_counts, &point.explicit_bounds);
    if point.count == 0 || counts.is_empty() {
        return Ok(None);
    }
    if counts.len() != bounds.len() + 1 {
        return Err(Failure::from("a histogram that has not one bucket more than bounds"));
    }
    let wanted = wanted(point.count, percentile);
    let Some(last) = bounds.last() else {
        let (Some(min), Some(max)) = (point.min, point.max) else { return Ok(None) };
        return between(min, max, wanted as f64 / counts[0] as f64).map(Some);
    };
    let (place, part) = bucket(counts.iter().copied(), 0, wanted).ok_or_else(too_few)?;
    let (lower, upper) = match place {
        0 => match point.min.filter(|min| *min < bounds[0]) {
            Some(min) => (min, bounds[0]),
            // Nothing is known below a first bound that is negative.
            None if bounds[0] < 0.0 => return Ok(Some(bounds[0])),
            None => (0.0, bounds[0]),
        },
        place if place < bounds.len() => (bounds[place - 1], bounds[place]),
        _ => match point.max.filter(|max| max > last) {
            Some(max) => (*last, max),
            None => return Ok(Some(*last)),
        },
    };
    between(lower, upper, part).map(Some)
}

fn of_exponential(point: &ExponentialHistogramDataPoint, percentile: f64) -> Result<Option<f64>, Failure> {
    let none = Buckets::default();
    let negative = point.negative.as_ref().unwrap_or(&none);
    let positive = point.positive.as_ref().unwrap_or(&none);
    let empty = negative.bucket_counts.is_empty() && positive.bucket_counts.is_empty() && point.zero_count == 0;
    if point.count == 0 || empty {
        return Ok(None);
    }
    let wanted = wanted(point.count, percentile);
    if let Some((back, part)) = bucket(negative.bucket_counts.iter().rev().copied(), 0, wanted) {
        let (lower, upper) = bounds(negative, negative.bucket_counts.len() - 1 - back, point.scale);
        if lower >= upper {
            return Err(Failure::from("a bucket without an extent"));
        }
        return between_logarithms(lower, upper, 1.0 - part).map(|size| Some(-size));
    }
    let below = negative.bucket_counts.iter().copied().fold(0, u64::wrapping_add);
    if below.wrapping_add(point.zero_count) >= wanted {
        let part = wanted.wrapping_sub(below) as f64 / point.zero_count as f64;
        return around_zero(point.zero_threshold, negative, positive, part).map(Some);
    }
    let before = below.wrapping_add(point.zero_count);
    let (place, part) = bucket(positive.bucket_counts.iter().copied(), before, wanted).ok_or_else(too_few)?;
    let (lower, upper) = bounds(positive, place, point.scale);
    between_logarithms(lower, upper, part).map(Some)
}

/// The zero bucket reaches only to the side on which there are others.
fn around_zero(threshold: f64, negative: &Buckets, positive: &Buckets, part: f64) -> Result<f64, Failure> {
    match (negative.bucket_counts.is_empty(), positive.bucket_counts.is_empty()) {
        (true, false) => between(0.0, threshold, part),
        (false, true) => between(-threshold, 0.0, part),
        _ => between(-threshold, threshold, part),
    }
}

/// Where a bucket begins and ends, without its sign.
fn bounds(buckets: &Buckets, place: usize, scale: i32) -> (f64, f64) {
    let index = i64::from(buckets.offset) + place as i64;
    (bound(index, scale), bound(index + 1, scale))
}

fn bound(index: i64, scale: i32) -> f64 {
    if scale <= 0 {
        return index.checked_shl(scale.unsigned_abs()).map_or(1.0, |power| (power as f64).exp2());
    }
    (index as f64 * (std::f64::consts::LN_2 * (-f64::from(scale)).exp2())).exp()
}

fn in_bucket(part: f64) -> Result<(), Failure> {
    if (0.0..=1.0).contains(&part) || part.is_nan() {
        return Ok(());
    }
    Err(Failure::from("a histogram whose counts do not add up"))
}

fn between(lower: f64, upper: f64, part: f64) -> Result<f64, Failure> {
    in_bucket(part)?;
    Ok(lower + part * (upper - lower))
}

fn between_logarithms(lower: f64, upper: f64, part: f64) -> Result<f64, Failure> {
    in_bucket(part)?;
    if lower <= 0.0 || upper <= 0.0 {
        return Err(Failure::from("a bucket whose bound is too small to be told from zero"));
    }
    let (lower, upper) = (lower.log2(), upper.log2());
    Ok((lower + (upper - lower) * part).exp2())
}
