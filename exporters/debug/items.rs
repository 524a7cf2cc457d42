//! One line per batch and one per item.

use std::fmt::Write;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, Undecodable};

/// `logs: 3 log_records`
pub fn headline(batch: &Batch) -> String {
    format!("{}: {} {}\n", batch.signal(), batch.items(), batch.signal().items())
}

/// One line per item: its name or body, and its attributes.
pub fn lines(batch: &mut Batch) -> Result<String, Undecodable> {
    let mut out = String::new();
    if let Some(request) = batch.read::<LogsRequest>()? {
        for record in request.resource_logs.iter().flat_map(|r| &r.scope_logs).flat_map(|s| &s.log_records) {
            let body = record.body.as_ref().map(value).unwrap_or_default();
            let _ = writeln!(out, "  {} {body}{}", record.event_name, attributes(&record.attributes));
        }
    }
    if let Some(request) = batch.read::<TracesRequest>()? {
        for span in request.resource_spans.iter().flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans) {
            let took =
                std::time::Duration::from_nanos(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
            let _ = writeln!(out, "  {} {took:?}{}", span.name, attributes(&span.attributes));
        }
    }
    if let Some(request) = batch.read::<MetricsRequest>()? {
        for metric in request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics) {
            points(&metric.name, metric.data.as_ref(), &mut out);
        }
    }
    if let Some(request) = batch.read::<ProfilesRequest>()? {
        super::profiles::lines(request).iter().for_each(|line| _ = writeln!(out, "  {}", line.text));
    }
    Ok(out)
}

fn points(name: &str, data: Option<&Data>, out: &mut String) {
    let mut line = |labels: &[KeyValue], value: String| {
        let _ = writeln!(out, "  {name}{} = {value}", attributes(labels));
    };
    match data {
        Some(Data::Gauge(gauge)) => gauge.data_points.iter().for_each(|p| line(&p.attributes, number(p.value))),
        Some(Data::Sum(sum)) => sum.data_points.iter().for_each(|p| line(&p.attributes, number(p.value))),
        Some(Data::Histogram(histogram)) => {
            let text = |count, sum: Option<f64>| format!("count {count}, sum {}", sum.unwrap_or_default());
            histogram.data_points.iter().for_each(|p| line(&p.attributes, text(p.count, p.sum)));
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            histogram.data_points.iter().for_each(|p| line(&p.attributes, format!("count {}", p.count)));
        }
        Some(Data::Summary(summary)) => {
            summary.data_points.iter().for_each(|p| line(&p.attributes, format!("count {}, sum {}", p.count, p.sum)));
        }
        None => {}
    }
}

/// A data point's number as text.
pub fn number(value: Option<Number>) -> String {
    match value {
        Some(Number::AsInt(value)) => value.to_string(),
        Some(Number::AsDouble(value)) => value.to_string(),
        None => "nothing".into(),
    }
}

/// ` {a=b c=d}`, or nothing.
pub fn attributes(attributes: &[KeyValue]) -> String {
    if attributes.is_empty() {
        return String::new();
    }
    let one = |a: &KeyValue| format!("{}={}", a.key, a.value.as_ref().map(value).unwrap_or_default());
    format!(" {{{}}}", attributes.iter().map(one).collect::<Vec<_>>().join(" "))
}

/// A value on one line.
pub fn value(any: &AnyValue) -> String {
    match &any.value {
        Some(Value::StringValue(text)) => text.replace('\n', " < "),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(Value::BytesValue(bytes)) => format!("{} bytes", bytes.len()),
        Some(Value::ArrayValue(list)) => format!("[{}]", list.values.iter().map(value).collect::<Vec<_>>().join(", ")),
        Some(Value::KvlistValue(map)) => attributes(&map.values).trim_start().to_owned(),
        Some(Value::StringValueStrindex(index)) => format!("string #{index}"),
        None => String::new(),
    }
}
