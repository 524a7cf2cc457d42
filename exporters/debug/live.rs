//! `format: live`: what happens, as it happens.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use pipeline::proto::LogsRequest;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint};
use pipeline::proto::{MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, Undecodable};

use super::hot;
use super::short::{attributes, number, value};

/// Series remembered for differences; more are shown as they are.
const REMEMBERED: usize = 1000;
/// Series of one metric that are shown one by one.
const SHOWN_SERIES: usize = 5;
const DAY_SECONDS: u64 = 86_400;

/// The last values, to show what came since.
#[derive(Debug, Default)]
pub struct Live {
    last: HashMap<String, HistogramDataPoint>,
    totals: HashMap<String, (u64, f64)>,
}

impl Live {
    /// The lines of one batch.
    pub fn lines(&mut self, batch: &mut Batch) -> Result<String, Undecodable> {
        let mut out = String::new();
        if let Some(request) = batch.read::<LogsRequest>()? {
            for record in request.resource_logs.iter().flat_map(|r| &r.scope_logs).flat_map(|s| &s.log_records) {
                let body = record.body.as_ref().map(value).unwrap_or_default();
                let severity = if record.severity_text.is_empty() { "-" } else { &record.severity_text };
                let _ = writeln!(out, "{} {severity} {} {body}", clock(record.time_unix_nano), record.event_name);
            }
        }
        if let Some(request) = batch.read::<TracesRequest>()? {
            for span in request.resource_spans.iter().flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans) {
                let took = Duration::from_nanos(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
                let _ = writeln!(out, "{} span {} {took:.1?}", clock(span.start_time_unix_nano), span.name);
            }
        }
        if let Some(request) = batch.read::<ProfilesRequest>()? {
            hot::lines(request, &mut out);
        }
        if let Some(request) = batch.read::<MetricsRequest>()? {
            for resource in &request.resource_metrics {
                let owner = resource.resource.as_ref().map_or(&[][..], |r| &r.attributes);
                for metric in resource.scope_metrics.iter().flat_map(|s| &s.metrics) {
                    self.metric(metric, owner, &mut out);
                }
            }
        }
        Ok(out)
    }

    /// A line per series, but one for a counter however many series it has, and never more than a few.
    fn metric(&mut self, metric: &Metric, owner: &[KeyValue], out: &mut String) {
        let (name, unit) = (&metric.name, &metric.unit);
        let lines: Vec<(u64, &[KeyValue], String)> = match &metric.data {
            Some(Data::Gauge(gauge)) => values(&gauge.data_points, unit),
            Some(Data::Sum(sum)) if sum.is_monotonic => {
                let key = format!("{name}{}", attributes(owner));
                self.increase(key, &sum.data_points, unit).into_iter().collect()
            }
            Some(Data::Sum(sum)) => values(&sum.data_points, unit),
            Some(Data::Histogram(histogram)) => {
                let line = |point: &'_ HistogramDataPoint| {
                    let key = format!("{name}{}{}", attributes(owner), attributes(&point.attributes));
                    self.summary(key, point, unit)
                };
                let texts: Vec<_> = histogram.data_points.iter().map(line).collect();
                histogram
                    .data_points
                    .iter()
                    .zip(texts)
                    .map(|(p, text)| (p.time_unix_nano, &*p.attributes, text))
                    .collect()
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                let count = |count: u64| format!("count {count}");
                histogram.data_points.iter().map(|p| (p.time_unix_nano, &*p.attributes, count(p.count))).collect()
            }
            Some(Data::Summary(summary)) => {
                let text = |count: u64, sum: f64| format!("count {count}, sum {sum} {unit}");
                summary.data_points.iter().map(|p| (p.time_unix_nano, &*p.attributes, text(p.count, p.sum))).collect()
            }
            None => Vec::new(),
        };
        for (time, labels, text) in lines.iter().take(SHOWN_SERIES) {
            let _ = writeln!(out, "{} metric {name}{} {text}", clock(*time), attributes(labels));
        }
        if let (Some((time, ..)), Some(more @ 1..)) = (lines.first(), lines.len().checked_sub(SHOWN_SERIES)) {
            let _ = writeln!(out, "{} metric {name} and {more} more series", clock(*time));
        }
    }

    /// `+19.9 s in 10.0s (16 series)`: what all series of a counter grew by together.
    fn increase<'a>(
        &mut self,
        key: String,
        points: &'a [NumberDataPoint],
        unit: &str,
    ) -> Option<(u64, &'a [KeyValue], String)> {
        let now = points.first()?.time_unix_nano;
        let total: f64 = points.iter().filter_map(|point| point.value).map(as_number).sum();
        let last = match self.totals.len() < REMEMBERED || self.totals.contains_key(&key) {
            true => self.totals.insert(key, (now, total)),
            false => None,
        };
        let series = if points.len() > 1 { format!(" ({} series)", points.len()) } else { String::new() };
        let text = match last {
            Some((then, before)) => {
                let took = Duration::from_nanos(now.saturating_sub(then));
                format!("+{} {unit} in {took:.1?}{series}", rounded(total - before))
            }
            None => format!("{} {unit} so far{series}", rounded(total)),
        };
        Some((now, &[], text))
    }

    /// `1203 in 10.0s, p50 <= 4.1us, p99 <= 1.0ms, max <= 8.4ms`: bounds of the slots, never more exact than they are.
    fn summary(&mut self, key: String, point: &HistogramDataPoint, unit: &str) -> String {
        let last = self.last.get(&key).filter(|last| last.start_time_unix_nano == point.start_time_unix_nano);
        let since = last.map_or(point.start_time_unix_nano, |last| last.time_unix_nano);
        let before = |slot: usize| last.and_then(|last| last.bucket_counts.get(slot)).copied().unwrap_or(0);
        let counts: Vec<u64> =
            point.bucket_counts.iter().enumerate().map(|(slot, count)| count.saturating_sub(before(slot))).collect();
        let total: u64 = counts.iter().sum();
        let took = Duration::from_nanos(point.time_unix_nano.saturating_sub(since));
        if self.last.len() < REMEMBERED || self.last.contains_key(&key) {
            self.last.insert(key, point.clone());
        }
        if total == 0 {
            return format!("nothing in {took:.1?}");
        }
        let quantile = |part: f64| bound(&counts, &point.explicit_bounds, (total as f64 * part).ceil() as u64, unit);
        format!("{total} in {took:.1?}, p50 {}, p99 {}, max {}", quantile(0.5), quantile(0.99), quantile(1.0))
    }
}

fn values<'a>(points: &'a [NumberDataPoint], unit: &str) -> Vec<(u64, &'a [KeyValue], String)> {
    points.iter().map(|p| (p.time_unix_nano, &*p.attributes, format!("{} {unit}", number(p.value)))).collect()
}

fn as_number(value: Number) -> f64 {
    match value {
        Number::AsInt(value) => value as f64,
        Number::AsDouble(value) => value,
    }
}

/// Three decimals are enough for eyes.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The bound of the slot in which the `rank`-th value lies.
fn bound(counts: &[u64], bounds: &[f64], rank: u64, unit: &str) -> String {
    let mut seen = 0;
    let slot = counts.iter().position(|count| {
        seen += count;
        seen >= rank
    });
    let shown = |value: f64| match unit {
        "s" => format!("{:.1?}", Duration::from_secs_f64(value.max(0.0))),
        _ => format!("{value} {unit}"),
    };
    match slot.and_then(|slot| bounds.get(slot)) {
        Some(bound) => format!("<= {}", shown(*bound)),
        None => bounds.last().map_or_else(|| "?".into(), |last| format!("> {}", shown(*last))),
    }
}

/// `09:31:17.123`, in UTC like everything that kpulse sends.
/// The time of day, UTC.
pub fn clock(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000 % DAY_SECONDS;
    let millis = unix_ns / 1_000_000 % 1000;
    format!("{:02}:{:02}:{:02}.{millis:03}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
