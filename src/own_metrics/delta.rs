//! Own metrics as what was added since they were last sent: `temporality_preference: delta`.
//!
//! Counters and histograms become deltas; sums that may fall, and gauges, stay what they are, as the OpenTelemetry
//! specification wants of this preference (Metrics Exporter: OTLP, additional configuration).

use std::collections::HashMap;

use pipeline::proto::MetricsRequest;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::{AggregationTemporality, HistogramDataPoint, NumberDataPoint};
use prost::Message;

/// What was sent last, series by series.
#[derive(Debug, Default)]
pub struct Sent(HashMap<Vec<u8>, Total>);

#[derive(Clone, Debug)]
enum Total {
    Number(NumberDataPoint),
    Histogram(HistogramDataPoint),
}

impl Sent {
    /// Takes off what was sent before. What comes back stands for this request once that has arrived: until then its
    /// values are a part of the next.
    pub fn subtract_from(&self, request: &mut MetricsRequest) -> Self {
        let mut totals = HashMap::new();
        let scopes = request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
        for metric in scopes.flat_map(|scope| &mut scope.metrics) {
            match &mut metric.data {
                Some(Data::Sum(sum)) if sum.is_monotonic => {
                    sum.aggregation_temporality = AggregationTemporality::Delta.into();
                    for point in &mut sum.data_points {
                        let series = series(&metric.name, &point.attributes);
                        let total = Total::Number(point.clone());
                        if let Some(Total::Number(before)) = self.0.get(&series) {
                            subtract_number(point, before);
                        }
                        totals.insert(series, total);
                    }
                }
                Some(Data::Histogram(histogram)) => {
                    histogram.aggregation_temporality = AggregationTemporality::Delta.into();
                    for point in &mut histogram.data_points {
                        let series = series(&metric.name, &point.attributes);
                        let total = Total::Histogram(point.clone());
                        if let Some(Total::Histogram(before)) = self.0.get(&series) {
                            subtract_histogram(point, before);
                        }
                        totals.insert(series, total);
                    }
                }
                _ => {}
            }
        }
        Self(totals)
    }
}

fn series(name: &str, attributes: &[KeyValue]) -> Vec<u8> {
    let mut series = name.as_bytes().to_vec();
    for attribute in attributes {
        series.push(0);
        attribute.encode_length_delimited(&mut series).unwrap_or_default();
    }
    series
}

fn subtract_number(point: &mut NumberDataPoint, before: &NumberDataPoint) {
    point.value = match (point.value, before.value) {
        (Some(Value::AsInt(now)), Some(Value::AsInt(then))) => Some(Value::AsInt(now.saturating_sub(then))),
        (Some(Value::AsDouble(now)), Some(Value::AsDouble(then))) => Some(Value::AsDouble(now - then)),
        (now, _) => now,
    };
    point.start_time_unix_nano = before.time_unix_nano;
}

fn subtract_histogram(point: &mut HistogramDataPoint, before: &HistogramDataPoint) {
    point.count = point.count.saturating_sub(before.count);
    point.sum = point.sum.zip(before.sum).map(|(now, then)| now - then);
    for (now, then) in point.bucket_counts.iter_mut().zip(&before.bucket_counts) {
        *now = now.saturating_sub(*then);
    }
    // Of a part of the time nobody knows them.
    (point.min, point.max) = (None, None);
    point.start_time_unix_nano = before.time_unix_nano;
}

#[cfg(test)]
mod tests {
    use pipeline::proto::metrics::v1::{Gauge, Histogram, Metric, ResourceMetrics, ScopeMetrics, Sum};

    use super::*;

    fn number(value: i64, time_unix_nano: u64) -> NumberDataPoint {
        let value = Some(Value::AsInt(value));
        NumberDataPoint { value, start_time_unix_nano: 1, time_unix_nano, ..NumberDataPoint::default() }
    }

    fn request(value: i64, time_unix_nano: u64) -> MetricsRequest {
        let data_points = vec![number(value, time_unix_nano)];
        let sum = |is_monotonic| {
            let temporality = AggregationTemporality::Cumulative.into();
            Data::Sum(Sum { data_points: data_points.clone(), aggregation_temporality: temporality, is_monotonic })
        };
        let histogram = HistogramDataPoint {
            count: value as u64,
            sum: Some(value as f64),
            bucket_counts: vec![value as u64, 0],
            max: Some(9.0),
            start_time_unix_nano: 1,
            time_unix_nano,
            ..HistogramDataPoint::default()
        };
        let histogram = Histogram { data_points: vec![histogram], aggregation_temporality: 2 };
        let data = [
            ("counter", sum(true)),
            ("up_and_down", sum(false)),
            ("gauge", Data::Gauge(Gauge { data_points: data_points.clone() })),
            ("histogram", Data::Histogram(histogram)),
        ];
        let metrics = data.map(|(name, data)| Metric { name: name.into(), data: Some(data), ..Metric::default() });
        let scope_metrics = vec![ScopeMetrics { metrics: metrics.into(), ..ScopeMetrics::default() }];
        MetricsRequest { resource_metrics: vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }] }
    }

    /// Value and start of each metric.
    fn shown(request: &MetricsRequest) -> Vec<(i64, u64)> {
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        let number = |points: &[NumberDataPoint]| match points[0].value {
            Some(Value::AsInt(value)) => (value, points[0].start_time_unix_nano),
            _ => panic!("no number"),
        };
        let one = |metric: &Metric| match metric.data.as_ref().unwrap() {
            Data::Sum(sum) => number(&sum.data_points),
            Data::Gauge(gauge) => number(&gauge.data_points),
            Data::Histogram(histogram) => {
                let point = &histogram.data_points[0];
                assert_eq!((point.sum, point.bucket_counts[0]), (Some(point.count as f64), point.count));
                (point.count as i64, point.start_time_unix_nano)
            }
            other => panic!("{other:?}"),
        };
        metrics.iter().map(one).collect()
    }

    #[test]
    fn counters_and_histograms_are_what_was_added_and_nothing_else_is() {
        let mut first = request(5, 100);
        let sent = Sent::default().subtract_from(&mut first);
        assert_eq!(shown(&first), [(5, 1); 4]);
        let mut second = request(7, 200);
        sent.subtract_from(&mut second);
        assert_eq!(shown(&second), [(2, 100), (7, 1), (7, 1), (2, 100)]);
    }

    #[test]
    fn what_did_not_arrive_is_a_part_of_the_next() {
        let sent = Sent::default().subtract_from(&mut request(5, 100));
        // This one is lost, and what it would have stood for with it.
        sent.subtract_from(&mut request(7, 200));
        let mut third = request(8, 300);
        sent.subtract_from(&mut third);
        assert_eq!(shown(&third)[0], (3, 100));
    }
}
