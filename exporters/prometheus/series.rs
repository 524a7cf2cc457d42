//! The last point of every series.

use std::collections::HashMap;
use std::time::Instant;

use pipeline::proto::MetricsRequest;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint};
use pipeline::proto::resource::v1::Resource;

use super::labels::{self, Labels};
use super::names::{self, Kind, Suffixes};
use super::{Config, exponential};

/// `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`: the series has ended.
const NO_RECORDED_VALUE: u32 = 1;

/// Why a point is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Older than what is there.
    Older,
    /// No temporality, or delta, which a scrape cannot show.
    Temporality,
    /// Another metric of this name has another type.
    OtherType,
    /// Another series has the same labels.
    SameLabels,
}

impl Dropped {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 4] = [Self::Older, Self::Temporality, Self::OtherType, Self::SameLabels];

    /// The reason as a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Older => "older",
            Self::Temporality => "temporality",
            Self::OtherType => "other_type",
            Self::SameLabels => "same_labels",
        }
    }
}

/// A type of the text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

/// What a series shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    Integer(i64),
    Double(f64),
    /// Bounds, counts (one more than bounds), sum.
    Histogram(Vec<f64>, Vec<u64>, Option<f64>),
    /// Quantiles with values, count, sum.
    Summary(Vec<(f64, f64)>, u64, f64),
}

#[derive(Clone, Debug)]
pub struct Series {
    pub labels: Labels,
    pub shown: Shown,
    pub time_unix_ns: u64,
    updated: Instant,
}

/// All series of one metric name.
#[derive(Clone, Debug)]
pub struct Family {
    pub kind: Type,
    pub help: String,
    pub series: HashMap<Identity, Series>,
}

/// Tells series apart: resource, scope and point attributes as they came.
pub type Identity = (Labels, Labels);

/// The last point of every series, by metric name.
#[derive(Debug)]
pub struct Store {
    pub(super) config: Config,
    suffixes: Suffixes,
    pub(super) families: std::collections::BTreeMap<String, Family>,
    /// Resources with `service.name` or `service.instance.id`, for `target_info`.
    pub(super) targets: HashMap<Labels, Instant>,
}

impl Store {
    /// An empty store.
    pub fn new(config: Config) -> Self {
        let suffixes = Suffixes::all(config.add_metric_suffixes);
        Self::with_suffixes(config, suffixes)
    }

    /// An empty store whose names have these suffixes, whatever the settings say.
    pub fn with_suffixes(config: Config, suffixes: Suffixes) -> Self {
        Self { config, suffixes, families: Default::default(), targets: HashMap::new() }
    }

    /// Takes the points of a request; those that cannot be shown are reported with their reason.
    pub fn update(&mut self, request: &MetricsRequest, now: Instant, dropped: &mut dyn FnMut(Dropped)) {
        for outer in &request.resource_metrics {
            let resource = self.resource_labels(outer.resource.as_ref(), now);
            for inner in &outer.scope_metrics {
                let mut common = resource.clone();
                if let (false, Some(scope)) = (self.config.without_scope_info, &inner.scope) {
                    labels::add_scope(&mut common.shown, scope, &inner.schema_url);
                }
                for metric in &inner.metrics {
                    self.metric(metric, &common, now, dropped);
                }
            }
        }
    }

    fn metric(&mut self, metric: &Metric, common: &Common, now: Instant, dropped: &mut dyn FnMut(Dropped)) {
        let (kind, points) = match points(metric) {
            Ok(points) => points,
            Err(count) => return (0..count).for_each(|_| dropped(Dropped::Temporality)),
        };
        let name_kind = match kind {
            Type::Counter => Kind::Counter,
            Type::Gauge => Kind::Gauge,
            Type::Histogram | Type::Summary => Kind::Distribution,
        };
        let config = &self.config;
        let name = names::metric(&metric.name, &metric.unit, name_kind, &config.namespace, self.suffixes);
        let family = self.families.entry(name.clone()).or_insert_with(|| Family {
            kind,
            help: metric.description.clone(),
            series: HashMap::new(),
        });
        if family.kind != kind {
            tracing::warn!(metric = %name, "another metric of this name has another type; its points are dropped");
            return points.iter().for_each(|_| dropped(Dropped::OtherType));
        }
        for point in points {
            if let Err(reason) = family.put(point, common, now) {
                dropped(reason);
            }
        }
    }

    /// Labels that the resource gives to all its series.
    fn resource_labels(&mut self, resource: Option<&Resource>, now: Instant) -> Common {
        let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
        let mut all = Labels::new();
        labels::add(&mut all, attributes);
        let find = |key: &str| attributes.iter().find(|a| a.key == key)?.value.as_ref().map(labels::text);
        let job = find("service.name").map(|name| match find("service.namespace") {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        });
        let instance = find("service.instance.id");
        let mut shown: Labels =
            if self.config.resource_to_telemetry_conversion.enabled { all.clone() } else { Labels::new() };
        for (name, value) in [("job", &job), ("instance", &instance)] {
            if let Some(value) = value {
                shown.insert(name.into(), value.clone());
            }
        }
        if job.is_some() || instance.is_some() {
            let mut target = all.clone();
            ["service_name", "service_namespace", "service_instance_id"]
                .iter()
                .for_each(|name| drop(target.remove(*name)));
            target.extend(
                shown
                    .iter()
                    .filter(|(name, _)| *name == "job" || *name == "instance")
                    .map(|(n, v)| (n.clone(), v.clone())),
            );
            self.targets.insert(target, now);
        }
        for (name, value) in &self.config.const_labels {
            shown.insert(names::label(name), value.clone());
        }
        Common { identity: all, shown }
    }

    /// Forgets what was not updated for too long.
    pub(super) fn expire(&mut self, now: Instant) {
        let limit = self.config.metric_expiration;
        let fresh = |updated: Instant| now.saturating_duration_since(updated) <= limit;
        for family in self.families.values_mut() {
            family.series.retain(|_, series| fresh(series.updated));
        }
        self.families.retain(|_, family| !family.series.is_empty());
        self.targets.retain(|_, updated| fresh(*updated));
    }
}

/// What all series of a resource and scope have in common.
#[derive(Clone, Debug)]
struct Common {
    identity: Labels,
    shown: Labels,
}

/// A point in the shape of the text format.
struct Point<'a> {
    attributes: &'a [KeyValue],
    time_unix_ns: u64,
    flags: u32,
    shown: Option<Shown>,
}

impl Family {
    fn put(&mut self, point: Point<'_>, common: &Common, now: Instant) -> Result<(), Dropped> {
        let mut own = Labels::new();
        labels::add(&mut own, point.attributes);
        let mut labels = own.clone();
        common.shown.iter().for_each(|(name, value)| labels::add_missing(&mut labels, name, value));
        let mut identity = common.identity.clone();
        identity.extend(common.shown.iter().map(|(n, v)| (n.clone(), v.clone())));
        let identity = (identity, own);
        let shown = match point.shown {
            Some(shown) if point.flags & NO_RECORDED_VALUE == 0 => shown,
            _ => {
                self.series.remove(&identity);
                return Ok(());
            }
        };
        match self.series.get(&identity) {
            Some(existing) if existing.time_unix_ns > point.time_unix_ns => Err(Dropped::Older),
            _ => {
                self.series.insert(identity, Series { labels, shown, time_unix_ns: point.time_unix_ns, updated: now });
                Ok(())
            }
        }
    }
}

/// The points of a metric and its type, or how many cannot be shown for their temporality.
fn points(metric: &Metric) -> Result<(Type, Vec<Point<'_>>), usize> {
    let cumulative = |temporality: i32, count: usize| match temporality == AggregationTemporality::Cumulative as i32 {
        true => Ok(()),
        false => Err(count),
    };
    Ok(match &metric.data {
        Some(Data::Gauge(gauge)) => (Type::Gauge, gauge.data_points.iter().map(number).collect()),
        Some(Data::Sum(sum)) => {
            cumulative(sum.aggregation_temporality, sum.data_points.len())?;
            let kind = if sum.is_monotonic { Type::Counter } else { Type::Gauge };
            (kind, sum.data_points.iter().map(number).collect())
        }
        Some(Data::Histogram(histogram)) => {
            cumulative(histogram.aggregation_temporality, histogram.data_points.len())?;
            (Type::Histogram, histogram.data_points.iter().map(explicit).collect())
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            cumulative(histogram.aggregation_temporality, histogram.data_points.len())?;
            let point = |p: &'_ pipeline::proto::metrics::v1::ExponentialHistogramDataPoint| {
                let (bounds, counts) = exponential::classic(p);
                Some(Shown::Histogram(bounds, counts, p.sum))
            };
            let points = histogram.data_points.iter().map(|p| Point {
                attributes: &p.attributes,
                time_unix_ns: p.time_unix_nano,
                flags: p.flags,
                shown: point(p),
            });
            (Type::Histogram, points.collect())
        }
        Some(Data::Summary(summary)) => {
            let points = summary.data_points.iter().map(|p| Point {
                attributes: &p.attributes,
                time_unix_ns: p.time_unix_nano,
                flags: p.flags,
                shown: Some(Shown::Summary(
                    p.quantile_values.iter().map(|q| (q.quantile, q.value)).collect(),
                    p.count,
                    p.sum,
                )),
            });
            (Type::Summary, points.collect())
        }
        None => (Type::Gauge, Vec::new()),
    })
}

fn number(point: &NumberDataPoint) -> Point<'_> {
    let shown = point.value.map(|value| match value {
        Number::AsInt(value) => Shown::Integer(value),
        Number::AsDouble(value) => Shown::Double(value),
    });
    Point { attributes: &point.attributes, time_unix_ns: point.time_unix_nano, flags: point.flags, shown }
}

fn explicit(point: &HistogramDataPoint) -> Point<'_> {
    // Without buckets there is still a count, which the text format shows as the bucket of everything.
    let counts = if point.bucket_counts.is_empty() { vec![point.count] } else { point.bucket_counts.clone() };
    let shown = Some(Shown::Histogram(point.explicit_bounds.clone(), counts, point.sum));
    Point { attributes: &point.attributes, time_unix_ns: point.time_unix_nano, flags: point.flags, shown }
}
