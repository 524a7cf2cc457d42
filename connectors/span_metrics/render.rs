//! Series to metrics.

use config::gates;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::{
    AggregationTemporality, Exemplar, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use pipeline::proto::resource::v1::Resource;
use pipeline::proto::trace::v1::Span;
use pipeline::{Recent, SetKey};

use super::aggregate::{OfResource, scope};
use super::settings::{Config, NAMESPACE, Temporality, Unit};
use crate::histogram::{Buckets, Histogram, Point};
use crate::series::{Family, Series};

/// The usual buckets in milliseconds.
const BUCKETS: [f64; 16] =
    [2., 4., 6., 8., 10., 50., 100., 200., 400., 800., 1000., 1400., 2000., 5000., 10_000., 15_000.];
/// The usual number of exponential buckets.
const EXPONENTIAL_BUCKETS: u32 = 160;
/// How many series' last times are remembered unless something else is said.
const LAST_TIMES: u32 = 1000;

/// How metrics look.
pub struct Style {
    namespace: String,
    /// Whether metrics have the attributes of the resource.
    with_resource: bool,
    unit: Unit,
    /// The buckets of lengths, unless there are none.
    pub buckets: Option<Buckets>,
    events: bool,
    /// Whether values go on.
    pub temporality: Temporality,
    last: LastTimes,
}

/// The ends of series' last points: with delta temporality the next ones begin there.
struct LastTimes {
    times: Recent<(SetKey, &'static str, Vec<u8>), u64>,
    most: usize,
}

impl Style {
    pub fn new(config: &Config) -> Self {
        let histogram = &config.histogram;
        let per_unit = nanoseconds(histogram.unit);
        let buckets = match (&histogram.exponential, &histogram.explicit) {
            (Some(exponential), _) => Buckets::Exponential(match exponential.max_size {
                0 => EXPONENTIAL_BUCKETS,
                size => size,
            }),
            (None, Some(explicit)) => {
                Buckets::Explicit(explicit.buckets.iter().map(|bound| bound.as_nanos() as f64 / per_unit).collect())
            }
            (None, None) => Buckets::Explicit(BUCKETS.map(|bound| bound * 1e6 / per_unit).to_vec()),
        };
        Self {
            namespace: match gates::SPANS_WITHOUT_NAMESPACE.is_on() && config.namespace == NAMESPACE {
                true => String::new(),
                false => config.namespace.clone(),
            },
            with_resource: config.add_resource_attributes || !gates::SPANS_WITHOUT_RESOURCE.is_on(),
            unit: histogram.unit,
            buckets: (!histogram.disable).then_some(buckets),
            events: config.events.enabled,
            temporality: config.aggregation_temporality,
            last: LastTimes {
                times: Recent::default(),
                most: config.metric_timestamp_cache_size.unwrap_or(LAST_TIMES) as usize,
            },
        }
    }

    /// The length of a span in the unit.
    pub fn length(&self, span: &Span) -> f64 {
        span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano) as f64 / nanoseconds(self.unit)
    }

    fn metric(&self, name: &str, unit: &str, data: Data) -> Metric {
        let name = if self.namespace.is_empty() { name.to_owned() } else { format!("{}.{name}", self.namespace) };
        Metric { name, unit: unit.to_owned(), data: Some(data), ..Metric::default() }
    }

    fn otlp_temporality(&self) -> i32 {
        match self.temporality {
            Temporality::Delta => AggregationTemporality::Delta.into(),
            Temporality::Cumulative => AggregationTemporality::Cumulative.into(),
        }
    }
}

fn nanoseconds(unit: Unit) -> f64 {
    match unit {
        Unit::Milliseconds => 1e6,
        Unit::Seconds => 1e9,
    }
}

/// The metrics of a resource.
pub fn resource(style: &mut Style, key: &SetKey, of: &mut OfResource, now: u64) -> ResourceMetrics {
    let mut metrics = vec![calls(style, "calls", key, &mut of.calls, now)];
    metrics.extend(lengths(style, key, &mut of.lengths, now));
    if style.events {
        metrics.push(calls(style, "events", key, &mut of.events, now));
    }
    let attributes = if style.with_resource { of.attributes.clone() } else { Vec::new() };
    ResourceMetrics {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_metrics: vec![ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() }],
        ..ResourceMetrics::default()
    }
}

impl Style {
    /// When the next point of a series begins.
    fn start<T>(&mut self, metric: &'static str, resource: &SetKey, key: &[u8], series: &Series<T>, now: u64) -> u64 {
        if self.temporality == Temporality::Cumulative {
            return series.start;
        }
        let key = (resource.clone(), metric, key.to_vec());
        let last = self.last.times.remove(&key);
        self.last.times.insert(key, now);
        if self.last.times.len() > self.last.most
            && let Some(oldest) = self.last.times.oldest()
        {
            self.last.times.remove(&oldest);
        }
        last.unwrap_or(series.start)
    }
}

/// The exemplars of a series, which it gets anew after each flush.
fn exemplars<T>(series: &mut Series<T>, now: u64) -> Vec<Exemplar> {
    let mut exemplars = std::mem::take(&mut series.exemplars);
    exemplars.iter_mut().for_each(|exemplar| exemplar.time_unix_nano = now);
    exemplars
}

fn calls(style: &mut Style, name: &'static str, resource: &SetKey, family: &mut Family<u64>, now: u64) -> Metric {
    let mut data_points = Vec::with_capacity(family.len());
    for (key, series) in family.iter_mut() {
        let start_time_unix_nano = style.start(name, resource, key, series, now);
        // What is counted from nothing has no rate: the first value is 0.
        let is_first = style.temporality == Temporality::Cumulative && !series.is_known;
        series.is_known = true;
        let count = if is_first { 0 } else { i64::try_from(series.value).unwrap_or(i64::MAX) };
        data_points.push(NumberDataPoint {
            attributes: series.attributes.clone(),
            start_time_unix_nano,
            time_unix_nano: now,
            exemplars: exemplars(series, now),
            value: Some(Value::AsInt(count)),
            ..NumberDataPoint::default()
        });
    }
    let sum = Sum { data_points, aggregation_temporality: style.otlp_temporality(), is_monotonic: true };
    style.metric(name, "", Data::Sum(sum))
}

fn lengths(style: &mut Style, resource: &SetKey, family: &mut Family<Histogram>, now: u64) -> Option<Metric> {
    let mut points = Vec::with_capacity(family.len());
    for (key, series) in family.iter_mut() {
        let start = style.start("duration", resource, key, series, now);
        let exemplars = exemplars(series, now);
        points.push((Point { attributes: series.attributes.clone(), start, time: now, exemplars }, &series.value));
    }
    let data = style.buckets.as_ref()?.data(points.into_iter(), style.otlp_temporality());
    let unit = if style.unit == Unit::Seconds { "s" } else { "ms" };
    Some(style.metric("duration", unit, data))
}
