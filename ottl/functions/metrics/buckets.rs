//! Fewer buckets for histograms, and gauges of quantiles.

use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::summary_data_point::ValueAtQuantile;
use pipeline::proto::metrics::v1::{Gauge, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint};

use super::item;
use crate::Failure;
use crate::call::Call;
use crate::functions::numbers::double;
use crate::target::{Item, Target};
use crate::value::find_or_insert;

/// Bounds as near as this are the same.
const NEAR: f64 = 1e-12;
/// The method that is not the default.
const LIMIT: &str = "limit_buckets";

/// Refuses what can never be a number of buckets.
pub fn check(call: &Call) -> Result<(), String> {
    let written = call.double(0).or_else(|| call.number(0).map(|int| int as f64));
    match written {
        Some(most) if call.word(1) == Some(LIMIT) => buckets(most).map(|_| ()).map_err(|failure| failure.to_string()),
        _ => Ok(()),
    }
}

fn buckets(most: f64) -> Result<usize, Failure> {
    if most < 1.0 || most.fract() != 0.0 || most > i64::MAX as f64 {
        return Err(Failure::from(format!("target_value must be a whole number of buckets, is {most}")));
    }
    Ok(most as usize)
}

/// Joins the bucket below a bound with the next, or every so many buckets.
pub fn merge(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let Item::DataPoint(metric, _) = &target.item else {
        return Err(Failure::from("not a data point"));
    };
    if !matches!(metric.data, Some(Data::Histogram(_))) {
        return Ok(());
    }
    let wanted = double(call.on(target))?.ok_or_else(|| Failure::from("target_value is nil"))?;
    let Item::DataPoint(metric, index) = &mut target.item else { return Ok(()) };
    let Some(Data::Histogram(data)) = &mut metric.data else { return Ok(()) };
    let Some(point) = data.data_points.get_mut(*index) else { return Ok(()) };
    if point.bucket_counts.len() != point.explicit_bounds.len() + 1 {
        return Ok(());
    }
    match call.word(1) {
        Some(LIMIT) => limit(point, buckets(wanted)?),
        _ => remove_bound(point, wanted),
    }
    Ok(())
}

fn remove_bound(point: &mut HistogramDataPoint, bound: f64) {
    if let Some(place) = point.explicit_bounds.iter().position(|known| (known - bound).abs() < NEAR) {
        point.explicit_bounds.remove(place);
        let count = point.bucket_counts.remove(place);
        point.bucket_counts[place] = point.bucket_counts[place].wrapping_add(count);
    }
}

fn limit(point: &mut HistogramDataPoint, most: usize) {
    let grows = point.explicit_bounds.windows(2).all(|pair| pair[1] > pair[0]);
    if point.bucket_counts.len() <= most || !grows {
        return;
    }
    let each = point.bucket_counts.len().div_ceil(most);
    let sum = |counts: &[u64]| counts.iter().fold(0_u64, |sum, count| sum.wrapping_add(*count));
    point.bucket_counts = point.bucket_counts.chunks(each).map(sum).collect();
    point.explicit_bounds = point.explicit_bounds.iter().skip(each - 1).step_by(each).copied().collect();
}

/// Adds a gauge with a point for each quantile of a summary.
pub fn quantiles(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let (key, suffix) = (call.word(0).unwrap_or("quantile"), call.word(1).unwrap_or(".quantiles"));
    let metric = item(target)?;
    let Some(Data::Summary(summary)) = &metric.data else { return Ok(()) };
    let of_point = |point: &SummaryDataPoint| {
        let at = |quantile: &ValueAtQuantile| one(point, quantile, key);
        point.quantile_values.iter().map(at).collect::<Vec<_>>()
    };
    let made = Metric {
        name: format!("{}{suffix}", metric.name),
        description: metric.description.clone(),
        unit: metric.unit.clone(),
        data: Some(Data::Gauge(Gauge { data_points: summary.data_points.iter().flat_map(of_point).collect() })),
        ..Metric::default()
    };
    target.made.push(made);
    Ok(())
}

fn one(point: &SummaryDataPoint, quantile: &ValueAtQuantile, key: &str) -> NumberDataPoint {
    let mut attributes = point.attributes.clone();
    *find_or_insert(&mut attributes, key) = AnyValue { value: Some(any_value::Value::DoubleValue(quantile.quantile)) };
    NumberDataPoint {
        attributes,
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        value: Some(Value::AsDouble(quantile.value)),
        ..NumberDataPoint::default()
    }
}
