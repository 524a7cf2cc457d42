//! `verbosity: normal`: one line per resource, scope and item.

use std::fmt::Write;

use pipeline::proto::common::v1::{InstrumentationScope, KeyValue};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
};
use pipeline::proto::profiles::v1development::{Profile, ProfilesDictionary};
use pipeline::proto::resource::v1::Resource;
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};

use super::{dictionary, go};

/// Writing to a string does not fail.
macro_rules! line {
    ($out:expr, $($format:tt)*) => {{ let _ = writeln!($out, $($format)*); }};
}

pub fn logs(request: &LogsRequest) -> String {
    let mut out = String::new();
    for (index, outer) in request.resource_logs.iter().enumerate() {
        resource("ResourceLog", index, &outer.schema_url, outer.resource.as_ref(), &mut out);
        for inner in &outer.scope_logs {
            scope("ScopeLog", index, &inner.schema_url, inner.scope.as_ref(), &mut out);
            for record in &inner.log_records {
                line!(out, "{} {}", go::text(record.body.as_ref()), attributes(&record.attributes, " "));
            }
        }
    }
    out
}

pub fn traces(request: &TracesRequest) -> String {
    let mut out = String::new();
    for (index, outer) in request.resource_spans.iter().enumerate() {
        resource("ResourceTraces", index, &outer.schema_url, outer.resource.as_ref(), &mut out);
        for inner in &outer.scope_spans {
            scope("ScopeTraces", index, &inner.schema_url, inner.scope.as_ref(), &mut out);
            for span in &inner.spans {
                let (trace, id) = (go::id(&span.trace_id), go::id(&span.span_id));
                line!(out, "{} {trace} {id}{}", span.name, after_space(&span.attributes));
            }
        }
    }
    out
}

pub fn metrics(request: &MetricsRequest) -> String {
    let mut out = String::new();
    for (index, outer) in request.resource_metrics.iter().enumerate() {
        resource("ResourceMetrics", index, &outer.schema_url, outer.resource.as_ref(), &mut out);
        for inner in &outer.scope_metrics {
            scope("ScopeMetrics", index, &inner.schema_url, inner.scope.as_ref(), &mut out);
            inner.metrics.iter().for_each(|metric| points(metric, &mut out));
        }
    }
    out
}

pub fn profiles(request: &ProfilesRequest) -> String {
    let (mut out, none) = (String::new(), ProfilesDictionary::default());
    let dictionary = request.dictionary.as_ref().unwrap_or(&none);
    for (index, outer) in request.resource_profiles.iter().enumerate() {
        resource("ResourceProfiles", index, &outer.schema_url, outer.resource.as_ref(), &mut out);
        for inner in &outer.scope_profiles {
            scope("ScopeProfiles", index, &inner.schema_url, inner.scope.as_ref(), &mut out);
            inner.profiles.iter().for_each(|one| profile(one, dictionary, &mut out));
        }
    }
    out
}

fn profile(profile: &Profile, dictionary: &ProfilesDictionary, out: &mut String) {
    let attributes = profile
        .attribute_indices
        .iter()
        .map(|index| dictionary::attribute(dictionary, *index, |key, value| format!("{key}={}", go::text(value))));
    let attributes: Vec<_> = attributes.collect();
    let gap = if attributes.is_empty() { "" } else { " " };
    line!(out, "{} samples={}{gap}{}", go::id(&profile.profile_id), profile.samples.len(), attributes.join(" "));
}

fn resource(kind: &str, index: usize, schema_url: &str, resource: Option<&Resource>, out: &mut String) {
    let schema = if schema_url.is_empty() { String::new() } else { format!(" [{schema_url}]") };
    let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
    line!(out, "{kind} #{index}{schema}{}", after_space(attributes));
}

/// As in the Collector, the number is that of the resource.
fn scope(kind: &str, index: usize, schema_url: &str, scope: Option<&InstrumentationScope>, out: &mut String) {
    let mut details = String::new();
    if let Some(scope) = scope {
        let version = if scope.version.is_empty() { "" } else { "@" };
        details = format!("{}{version}{}", scope.name, scope.version);
    }
    if !schema_url.is_empty() {
        let gap = if details.is_empty() { "" } else { " " };
        details = format!("{details}{gap}[{schema_url}]");
    }
    let gap = if details.is_empty() { "" } else { " " };
    let attributes = scope.map_or(&[][..], |scope| &scope.attributes);
    line!(out, "{kind} #{index}{gap}{details}{}", after_space(attributes));
}

fn attributes(attributes: &[KeyValue], between: &str) -> String {
    let one = |a: &KeyValue| format!("{}={}", a.key, go::text(a.value.as_ref()));
    attributes.iter().map(one).collect::<Vec<_>>().join(between)
}

fn after_space(list: &[KeyValue]) -> String {
    if list.is_empty() { String::new() } else { format!(" {}", attributes(list, " ")) }
}

fn points(metric: &Metric, out: &mut String) {
    let mut put = |labels: &[KeyValue], value: String| {
        line!(out, "{}{{{}}} {value}", metric.name, attributes(labels, ","));
    };
    match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.iter().for_each(|p| put(&p.attributes, number(p))),
        Some(Data::Sum(sum)) => sum.data_points.iter().for_each(|p| put(&p.attributes, number(p))),
        Some(Data::Histogram(histogram)) => {
            histogram.data_points.iter().for_each(|p| put(&p.attributes, explicit(p)));
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            histogram.data_points.iter().for_each(|p| put(&p.attributes, exponential(p)));
        }
        Some(Data::Summary(summary)) => summary.data_points.iter().for_each(|p| put(&p.attributes, quantiles(p))),
        None => {}
    }
}

fn number(point: &NumberDataPoint) -> String {
    match point.value {
        Some(Number::AsInt(value)) => value.to_string(),
        Some(Number::AsDouble(value)) => go::shortest(value),
        None => String::new(),
    }
}

fn sums(count: u64, values: [(&str, Option<f64>); 3]) -> String {
    let given = values.iter().filter_map(|(name, value)| Some(format!(" {name}={}", go::shortest((*value)?))));
    format!("count={count}{}", given.collect::<String>())
}

fn explicit(point: &HistogramDataPoint) -> String {
    let mut out = sums(point.count, [("sum", point.sum), ("min", point.min), ("max", point.max)]);
    for (index, count) in point.bucket_counts.iter().enumerate() {
        let bound = point.explicit_bounds.get(index).map(|bound| format!("le{}=", go::shortest(*bound)));
        let _ = write!(out, " {}{count}", bound.unwrap_or_default());
    }
    out
}

fn exponential(point: &ExponentialHistogramDataPoint) -> String {
    let mut out = sums(point.count, [("sum", point.sum), ("min", point.min), ("max", point.max)]);
    let factor = super::exponent_factor(point.scale);
    let mut put = |bound: f64, count: u64| {
        let _ = write!(out, " le{}={count}", go::shortest(bound));
    };
    if let Some(negative) = &point.negative {
        for (index, count) in negative.bucket_counts.iter().enumerate().rev() {
            put(-((f64::from(negative.offset) + index as f64) * factor).exp(), *count);
        }
    }
    if point.zero_count != 0 {
        let _ = write!(out, " zero={}", point.zero_count);
    }
    let Some(positive) = &point.positive else { return out };
    for (index, count) in positive.bucket_counts.iter().enumerate() {
        let bound = ((f64::from(positive.offset) + index as f64 + 1.0) * factor).exp();
        let _ = write!(out, " le{}={count}", go::shortest(bound));
    }
    out
}

fn quantiles(point: &SummaryDataPoint) -> String {
    let one = |q: &pipeline::proto::metrics::v1::summary_data_point::ValueAtQuantile| {
        format!(" q{}={}", go::shortest(q.quantile), go::shortest(q.value))
    };
    let quantiles: String = point.quantile_values.iter().map(one).collect();
    format!("count={} sum={}{quantiles}", point.count, go::fixed(point.sum))
}
