use pipeline::proto::MetricsRequest;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::exemplar::Value as ExemplarValue;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
};

use super::{Text, line, word};
use crate::debug::{exponent_factor, go};

const TEMPORALITIES: [&str; 3] = ["Unspecified", "Delta", "Cumulative"];

pub fn metrics(request: &MetricsRequest) -> String {
    let mut text = Text::default();
    for (index, outer) in request.resource_metrics.iter().enumerate() {
        line!(text, "ResourceMetrics #{index}");
        text.resource(&outer.schema_url, outer.resource.as_ref());
        for (index, inner) in outer.scope_metrics.iter().enumerate() {
            line!(text, "ScopeMetrics #{index}");
            text.scope("ScopeMetrics", &inner.schema_url, inner.scope.as_ref());
            for (index, metric) in inner.metrics.iter().enumerate() {
                line!(text, "Metric #{index}");
                text.metric(metric);
            }
        }
    }
    text.0
}

fn kind(data: Option<&Data>) -> &'static str {
    match data {
        None => "Empty",
        Some(Data::Gauge(_)) => "Gauge",
        Some(Data::Sum(_)) => "Sum",
        Some(Data::Histogram(_)) => "Histogram",
        Some(Data::ExponentialHistogram(_)) => "ExponentialHistogram",
        Some(Data::Summary(_)) => "Summary",
    }
}

impl Text {
    fn metric(&mut self, metric: &Metric) {
        line!(self, "Descriptor:");
        line!(self, "     -> Name: {}", metric.name);
        line!(self, "     -> Description: {}", metric.description);
        line!(self, "     -> Unit: {}", metric.unit);
        line!(self, "     -> DataType: {}", kind(metric.data.as_ref()));
        self.attributes("     -> Metadata", &metric.metadata);
        match &metric.data {
            None => {}
            Some(Data::Gauge(gauge)) => self.each(&gauge.data_points, Self::number),
            Some(Data::Sum(sum)) => {
                line!(self, "     -> IsMonotonic: {}", sum.is_monotonic);
                self.temporality(sum.aggregation_temporality);
                self.each(&sum.data_points, Self::number);
            }
            Some(Data::Histogram(histogram)) => {
                self.temporality(histogram.aggregation_temporality);
                self.each(&histogram.data_points, Self::histogram);
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                self.temporality(histogram.aggregation_temporality);
                self.each(&histogram.data_points, Self::exponential);
            }
            Some(Data::Summary(summary)) => self.each(&summary.data_points, Self::summary),
        }
    }

    fn each<P>(&mut self, points: &[P], show: impl Fn(&mut Self, usize, &P)) {
        points.iter().enumerate().for_each(|(index, point)| show(self, index, point));
    }

    fn temporality(&mut self, temporality: i32) {
        line!(self, "     -> AggregationTemporality: {}", word(&TEMPORALITIES, temporality));
    }

    fn point(&mut self, kind: &str, index: usize, attributes: &[KeyValue], times: [u64; 2]) {
        line!(self, "{kind} #{index}");
        self.attributes("Data point attributes", attributes);
        line!(self, "StartTimestamp: {}", go::time(times[0]));
        line!(self, "Timestamp: {}", go::time(times[1]));
    }

    fn number(&mut self, index: usize, point: &NumberDataPoint) {
        let times = [point.start_time_unix_nano, point.time_unix_nano];
        self.point("NumberDataPoints", index, &point.attributes, times);
        match point.value {
            Some(Number::AsInt(value)) => line!(self, "Value: {value}"),
            Some(Number::AsDouble(value)) => line!(self, "Value: {}", go::fixed(value)),
            None => {}
        }
        self.exemplars(&point.exemplars);
    }

    fn sums(&mut self, count: u64, values: [(&str, Option<f64>); 3]) {
        line!(self, "Count: {count}");
        for (name, value) in values {
            if let Some(value) = value {
                line!(self, "{name}: {}", go::fixed(value));
            }
        }
    }

    fn histogram(&mut self, index: usize, point: &HistogramDataPoint) {
        let times = [point.start_time_unix_nano, point.time_unix_nano];
        self.point("HistogramDataPoints", index, &point.attributes, times);
        self.sums(point.count, [("Sum", point.sum), ("Min", point.min), ("Max", point.max)]);
        for (index, bound) in point.explicit_bounds.iter().enumerate() {
            line!(self, "ExplicitBounds #{index}: {}", go::fixed(*bound));
        }
        for (index, count) in point.bucket_counts.iter().enumerate() {
            line!(self, "Buckets #{index}, Count: {count}");
        }
        self.exemplars(&point.exemplars);
    }

    fn exponential(&mut self, index: usize, point: &ExponentialHistogramDataPoint) {
        let times = [point.start_time_unix_nano, point.time_unix_nano];
        self.point("ExponentialHistogramDataPoints", index, &point.attributes, times);
        self.sums(point.count, [("Sum", point.sum), ("Min", point.min), ("Max", point.max)]);
        let factor = exponent_factor(point.scale);
        let bounds = |offset: i32, index: usize| {
            let exponent = f64::from(offset) + index as f64;
            ((exponent * factor).exp(), ((exponent + 1.0) * factor).exp())
        };
        if let Some(negative) = &point.negative {
            for (index, count) in negative.bucket_counts.iter().enumerate().rev() {
                let (lower, upper) = bounds(negative.offset, index);
                line!(self, "Bucket [{}, {}), Count: {count}", go::fixed(-upper), go::fixed(-lower));
            }
        }
        if point.zero_count != 0 {
            line!(self, "Bucket [0, 0], Count: {}", point.zero_count);
        }
        if let Some(positive) = &point.positive {
            for (index, count) in positive.bucket_counts.iter().enumerate() {
                let (lower, upper) = bounds(positive.offset, index);
                line!(self, "Bucket ({}, {}], Count: {count}", go::fixed(lower), go::fixed(upper));
            }
        }
        self.exemplars(&point.exemplars);
    }

    fn summary(&mut self, index: usize, point: &SummaryDataPoint) {
        let times = [point.start_time_unix_nano, point.time_unix_nano];
        self.point("SummaryDataPoints", index, &point.attributes, times);
        line!(self, "Count: {}", point.count);
        line!(self, "Sum: {}", go::fixed(point.sum));
        for (index, quantile) in point.quantile_values.iter().enumerate() {
            let (at, value) = (go::fixed(quantile.quantile), go::fixed(quantile.value));
            line!(self, "QuantileValue #{index}: Quantile {at}, Value {value}");
        }
    }

    fn exemplars(&mut self, exemplars: &[Exemplar]) {
        if !exemplars.is_empty() {
            line!(self, "Exemplars:");
        }
        for (index, exemplar) in exemplars.iter().enumerate() {
            line!(self, "Exemplar #{index}");
            line!(self, "     -> Trace ID: {}", go::id(&exemplar.trace_id));
            line!(self, "     -> Span ID: {}", go::id(&exemplar.span_id));
            line!(self, "     -> Timestamp: {}", go::time(exemplar.time_unix_nano));
            match exemplar.value {
                Some(ExemplarValue::AsInt(value)) => line!(self, "     -> Value: {value}"),
                Some(ExemplarValue::AsDouble(value)) => line!(self, "     -> Value: {}", go::fixed(value)),
                None => {}
            }
            self.attributes("     -> FilteredAttributes", &exemplar.filtered_attributes);
        }
    }
}
