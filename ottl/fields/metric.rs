//! A metric with all its data points.

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::Metric;
use pipeline::proto::metrics::v1::metric::Data;

use super::{Access, Field, fields};
use crate::Failure;
use crate::target::{Item, Target};
use crate::value::Val;

fn item<'a>(target: &'a Target<'_>) -> Option<&'a Metric> {
    match &target.item {
        Item::Metric(metric) | Item::DataPoint(metric, _) => Some(metric),
        _ => None,
    }
}

fn item_mut<'a>(target: &'a mut Target<'_>) -> Option<&'a mut Metric> {
    match &mut target.item {
        Item::Metric(metric) | Item::DataPoint(metric, _) => Some(metric),
        _ => None,
    }
}

fn data<'a>(target: &'a Target<'_>) -> Option<&'a Data> {
    item(target).and_then(|metric| metric.data.as_ref())
}

/// The number of its kind.
fn kind(target: &Target<'_>) -> i64 {
    match data(target) {
        None => 0,
        Some(Data::Gauge(_)) => 1,
        Some(Data::Sum(_)) => 2,
        Some(Data::Histogram(_)) => 3,
        Some(Data::ExponentialHistogram(_)) => 4,
        Some(Data::Summary(_)) => 5,
    }
}

/// How many data points a metric has.
pub fn points(data: Option<&Data>) -> usize {
    match data {
        None => 0,
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
    }
}

/// The attributes of every data point.
pub fn attributes_of_points(data: &Data) -> Vec<&[KeyValue]> {
    match data {
        Data::Gauge(data) => data.data_points.iter().map(|point| &*point.attributes).collect(),
        Data::Sum(data) => data.data_points.iter().map(|point| &*point.attributes).collect(),
        Data::Histogram(data) => data.data_points.iter().map(|point| &*point.attributes).collect(),
        Data::ExponentialHistogram(data) => data.data_points.iter().map(|point| &*point.attributes).collect(),
        Data::Summary(data) => data.data_points.iter().map(|point| &*point.attributes).collect(),
    }
}

fn temporality(target: &Target<'_>) -> Val<'static> {
    match data(target) {
        Some(Data::Sum(data)) => Val::Int(data.aggregation_temporality.into()),
        Some(Data::Histogram(data)) => Val::Int(data.aggregation_temporality.into()),
        Some(Data::ExponentialHistogram(data)) => Val::Int(data.aggregation_temporality.into()),
        _ => Val::Nil,
    }
}

fn set_temporality(target: &mut Target<'_>, value: Val<'static>) -> Result<(), Failure> {
    let new = value.into_int()? as i32;
    match item_mut(target).and_then(|metric| metric.data.as_mut()) {
        Some(Data::Sum(data)) => data.aggregation_temporality = new,
        Some(Data::Histogram(data)) => data.aggregation_temporality = new,
        Some(Data::ExponentialHistogram(data)) => data.aggregation_temporality = new,
        _ => {}
    }
    Ok(())
}

pub static FIELDS: &[Field] = fields! { item, item_mut;
    "name": text name,
    "description": text description,
    "unit": text unit,
    "metadata": map metadata,
    ;
    // Setting the type does nothing in the Collector either: convert_* functions do.
    "type" => Access::Whole { get: |t| Val::Int(kind(t)), set: |_, _| Ok(()) },
    "aggregation_temporality" => Access::Whole { get: |t| temporality(t), set: set_temporality },
    "is_monotonic" => Access::Whole {
        get: |t| match data(t) {
            Some(Data::Sum(data)) => Val::Bool(data.is_monotonic),
            _ => Val::Nil,
        },
        set: |t, value| {
            let truth = value.into_bool()?;
            if let Some(Data::Sum(data)) = item_mut(t).and_then(|metric| metric.data.as_mut()) {
                data.is_monotonic = truth;
            }
            Ok(())
        },
    },
    "data_points" => Access::Whole {
        get: |t| data(t).map_or(Val::Nil, |data| Val::Items(points(Some(data)))),
        set: |_, _| Err(Failure::from("data points cannot be set as a whole")),
    },
};
