//! Data points with the same attributes put together.

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::common::v1::any_value::Value as Any;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::{AggregationTemporality, HistogramDataPoint, NumberDataPoint};

use super::item;
use crate::Failure;
use crate::call::Call;
use crate::functions::editors::texts;
use crate::same_attributes;
use crate::target::Target;

/// Puts points together by their attributes, their time and, for delta values, their start.
pub fn on_attributes(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let kept = call.on(target).has(1).then(|| texts(call, 1, target)).transpose()?;
    let keep = |attributes: &mut Vec<KeyValue>| {
        if let Some(kept) = &kept {
            attributes.retain(|attribute| kept.contains(&attribute.key));
        }
    };
    together(call, target, keep)
}

/// The same with another value of an attribute where it is one of some.
pub fn on_attribute_value(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let values = texts(call, 2, target)?;
    let (key, new) = (call.word(1).unwrap_or_default(), call.word(3).unwrap_or_default());
    let rename = |attributes: &mut Vec<KeyValue>| {
        let found = attributes.iter_mut().find(|attribute| attribute.key == key);
        if let Some(Any::StringValue(text)) = found.and_then(|found| found.value.as_mut()?.value.as_mut())
            && values.contains(text)
        {
            new.clone_into(text);
        }
    };
    together(call, target, rename)
}

fn together(call: &Call, target: &mut Target<'_>, keep: impl Fn(&mut Vec<KeyValue>)) -> Result<(), Failure> {
    let how = call.word(0).unwrap_or("sum").to_owned();
    let delta = |temporality: i32| temporality == AggregationTemporality::Delta as i32;
    let metric = item(target)?;
    // What it says is of the points that were there; the Collector drops it too.
    metric.metadata.clear();
    match &mut metric.data {
        Some(Data::Gauge(data)) => numbers(&mut data.data_points, false, &how, keep),
        Some(Data::Sum(data)) => numbers(&mut data.data_points, delta(data.aggregation_temporality), &how, keep),
        Some(Data::Histogram(data)) => {
            let delta = delta(data.aggregation_temporality);
            data.data_points.iter_mut().for_each(|point| keep(&mut point.attributes));
            histograms(&mut data.data_points, delta)?;
        }
        Some(Data::ExponentialHistogram(_)) => {
            return Err(Failure::from("exponential histograms cannot be put together"));
        }
        Some(Data::Summary(_)) => return Err(Failure::from("summaries cannot be put together")),
        None => {}
    }
    Ok(())
}

fn numbers(points: &mut Vec<NumberDataPoint>, delta: bool, how: &str, keep: impl Fn(&mut Vec<KeyValue>)) {
    let mut groups: Vec<Vec<NumberDataPoint>> = Vec::new();
    for mut point in points.drain(..) {
        keep(&mut point.attributes);
        let same = |group: &&mut Vec<NumberDataPoint>| {
            let first = &group[0];
            first.time_unix_nano == point.time_unix_nano
                && (!delta || first.start_time_unix_nano == point.start_time_unix_nano)
                && same_attributes(&first.attributes, &point.attributes)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(point),
            None => groups.push(vec![point]),
        }
    }
    points.extend(groups.into_iter().filter_map(|group| one_number(group, how)));
}

fn one_number(mut group: Vec<NumberDataPoint>, how: &str) -> Option<NumberDataPoint> {
    let start = group.iter().map(|point| point.start_time_unix_nano).min()?;
    let value = match group[0].value {
        Some(Value::AsInt(_)) => Some(Value::AsInt(ints(&group, how))),
        Some(Value::AsDouble(_)) => Some(Value::AsDouble(doubles(&group, how))),
        None => None,
    };
    let mut first = group.swap_remove(0);
    (first.value, first.start_time_unix_nano) = (value, start);
    Some(first)
}

fn ints(group: &[NumberDataPoint], how: &str) -> i64 {
    let int = |point: &NumberDataPoint| match point.value {
        Some(Value::AsInt(int)) => int,
        Some(Value::AsDouble(double)) => double as i64,
        None => 0,
    };
    let mut values: Vec<i64> = group.iter().map(int).collect();
    let sum = values.iter().fold(0, |sum: i64, value| sum.wrapping_add(*value));
    values.sort_unstable();
    match how {
        "max" => values.last().copied().unwrap_or(0),
        "min" => values.first().copied().unwrap_or(0),
        "mean" => sum / values.len() as i64,
        "median" if values.len().is_multiple_of(2) => {
            let middle = values.len() / 2;
            values[middle - 1].wrapping_add(values[middle]) / 2
        }
        "median" => values[values.len() / 2],
        // The Collector counts only where there is something to put together.
        "count" if values.len() > 1 => values.len() as i64,
        _ => sum,
    }
}

fn doubles(group: &[NumberDataPoint], how: &str) -> f64 {
    let double = |point: &NumberDataPoint| match point.value {
        Some(Value::AsInt(int)) => int as f64,
        Some(Value::AsDouble(double)) => double,
        None => 0.0,
    };
    let mut values: Vec<f64> = group.iter().map(double).collect();
    let sum: f64 = values.iter().sum();
    values.sort_unstable_by(f64::total_cmp);
    match how {
        "max" => values.last().copied().unwrap_or(0.0),
        "min" => values.first().copied().unwrap_or(0.0),
        "mean" => sum / values.len() as f64,
        "median" if values.len().is_multiple_of(2) => {
            f64::midpoint(values[values.len() / 2 - 1], values[values.len() / 2])
        }
        "median" => values[values.len() / 2],
        "count" if values.len() > 1 => values.len() as f64,
        _ => sum,
    }
}

fn histograms(points: &mut Vec<HistogramDataPoint>, delta: bool) -> Result<(), Failure> {
    let mut merged: Vec<HistogramDataPoint> = Vec::new();
    for point in points.drain(..) {
        let same = |first: &&mut HistogramDataPoint| {
            first.time_unix_nano == point.time_unix_nano
                && (!delta || first.start_time_unix_nano == point.start_time_unix_nano)
                && first.explicit_bounds == point.explicit_bounds
                && (first.min.is_some(), first.max.is_some()) == (point.min.is_some(), point.max.is_some())
                && same_attributes(&first.attributes, &point.attributes)
        };
        match merged.iter_mut().find(same) {
            Some(first) => add(first, point),
            None => merged.push(point),
        }
    }
    *points = merged;
    Ok(())
}

fn add(first: &mut HistogramDataPoint, other: HistogramDataPoint) {
    if other.count == 0 {
        return;
    }
    first.count += other.count;
    first.sum = Some(first.sum.unwrap_or(0.0) + other.sum.unwrap_or(0.0));
    first.min = first.min.map(|min| min.min(other.min.unwrap_or(0.0)));
    first.max = first.max.map(|max| max.max(other.max.unwrap_or(0.0)));
    for (count, more) in first.bucket_counts.iter_mut().zip(other.bucket_counts) {
        *count += more;
    }
    first.exemplars.extend(other.exemplars);
    first.start_time_unix_nano = first.start_time_unix_nano.min(other.start_time_unix_nano);
}
