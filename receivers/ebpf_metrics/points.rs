//! Kernel numbers as OTLP metrics.

use ebpf::{Histogram, bounds_ns};
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::{AggregationTemporality, Gauge, HistogramDataPoint, Metric, NumberDataPoint, Sum};

use crate::conventions::MetricName;

/// From when and as of when a point is, in nanoseconds since 1970.
#[derive(Clone, Copy)]
pub struct Times {
    pub start_unix_ns: u64,
    pub now_unix_ns: u64,
}

fn metric(name: &MetricName, data: Data) -> Metric {
    Metric {
        name: name.name.into(),
        unit: name.unit.into(),
        description: name.description.into(),
        data: Some(data),
        ..Metric::default()
    }
}

fn points(values: Vec<(Vec<KeyValue>, Value)>, times: Times) -> Vec<NumberDataPoint> {
    let point = |(attributes, value)| NumberDataPoint {
        attributes,
        start_time_unix_nano: times.start_unix_ns,
        time_unix_nano: times.now_unix_ns,
        value: Some(value),
        ..NumberDataPoint::default()
    };
    values.into_iter().map(point).collect()
}

/// Values that may go up and down, and have no sum.
pub fn gauge(name: &MetricName, values: Vec<(Vec<KeyValue>, Value)>, now_unix_ns: u64) -> Metric {
    // A gauge begins anew with every reading.
    let times = Times { start_unix_ns: 0, now_unix_ns };
    metric(name, Data::Gauge(Gauge { data_points: points(values, times) }))
}

/// A cumulative sum; `is_monotonic` for one that never falls.
pub fn sum(name: &MetricName, is_monotonic: bool, values: Vec<(Vec<KeyValue>, Value)>, times: Times) -> Metric {
    let data_points = points(values, times);
    metric(
        name,
        Data::Sum(Sum {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic,
        }),
    )
}

/// Kernel slots are upper-inclusive like explicit bounds, so no count moves. Seconds are the only rounding.
pub fn histogram(name: &MetricName, values: Vec<(Vec<KeyValue>, Histogram)>, times: Times) -> Metric {
    let point = |(attributes, histogram): (Vec<KeyValue>, Histogram)| HistogramDataPoint {
        attributes,
        start_time_unix_nano: times.start_unix_ns,
        time_unix_nano: times.now_unix_ns,
        count: histogram.count(),
        sum: Some(histogram.sum_ns as f64 / 1e9),
        bucket_counts: histogram.counts.to_vec(),
        explicit_bounds: bounds_ns().iter().map(|ns| *ns as f64 / 1e9).collect(),
        ..HistogramDataPoint::default()
    };
    let histogram = pipeline::proto::metrics::v1::Histogram {
        data_points: values.into_iter().map(point).collect(),
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
    };
    metric(name, Data::Histogram(histogram))
}

/// Adds the points of `more` to the metrics of the same name: series that began at different times are one metric.
pub fn join(all: &mut Vec<Metric>, more: Vec<Metric>) {
    for metric in more {
        let Some(found) = all.iter_mut().find(|found| found.name == metric.name) else {
            all.push(metric);
            continue;
        };
        match (&mut found.data, metric.data) {
            (Some(Data::Sum(into)), Some(Data::Sum(from))) => into.data_points.extend(from.data_points),
            (Some(Data::Histogram(into)), Some(Data::Histogram(from))) => into.data_points.extend(from.data_points),
            (Some(Data::Gauge(into)), Some(Data::Gauge(from))) => into.data_points.extend(from.data_points),
            // One name is one kind of metric.
            _ => {}
        }
    }
}

/// The flag of a point that only says that its series has ended (`DataPointFlags`).
const NO_RECORDED_VALUE: u32 = 1;

/// The end of these series: the same points without values.
pub fn ended(mut metrics: Vec<Metric>, now_unix_ns: u64) -> Vec<Metric> {
    let number = |point: &mut NumberDataPoint| {
        (point.time_unix_nano, point.flags, point.value) = (now_unix_ns, NO_RECORDED_VALUE, None);
    };
    let histogram = |point: &mut HistogramDataPoint| {
        *point = HistogramDataPoint {
            attributes: std::mem::take(&mut point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: now_unix_ns,
            flags: NO_RECORDED_VALUE,
            ..HistogramDataPoint::default()
        };
    };
    for metric in &mut metrics {
        match &mut metric.data {
            Some(Data::Gauge(gauge)) => gauge.data_points.iter_mut().for_each(number),
            Some(Data::Sum(sum)) => sum.data_points.iter_mut().for_each(number),
            Some(Data::Histogram(all)) => all.data_points.iter_mut().for_each(histogram),
            // Nothing else is made here.
            _ => {}
        }
    }
    metrics
}
