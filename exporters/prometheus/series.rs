//! The last point of every series.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::Instant;

use pipeline::proto::MetricsRequest;
use pipeline::proto::metrics::v1::{Exemplar, Metric};
use pipeline::proto::resource::v1::Resource;

use super::Config;
use super::exemplars::{self, Sample};
use super::labels::{self, Labels};
use super::names::{self, Kind, Naming, Suffixes};
use super::points::{Point, points};

/// `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`: the series has ended.
const NO_RECORDED_VALUE: u32 = 1;

/// What `job` and `instance` are made of.
const SERVICE: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];

/// Why a point is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Older than what is there.
    Older,
    /// No temporality, or delta where nothing adds up: sums that fall, exponential histograms.
    Temporality,
    /// A delta that begins before the last one ended.
    Overlaps,
    /// Nothing of its name can stand on a page.
    Name,
    /// Another metric of this name has another type.
    OtherType,
    /// Another series has the same labels.
    SameLabels,
}

impl Dropped {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 6] =
        [Self::Older, Self::Temporality, Self::Overlaps, Self::Name, Self::OtherType, Self::SameLabels];

    /// The reason as a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Older => "older",
            Self::Temporality => "temporality",
            Self::Overlaps => "overlaps",
            Self::Name => "name",
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
    /// What was measured when, as far as a page shows it.
    pub exemplars: Vec<Sample>,
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
    pub(super) naming: Naming,
    pub(super) families: std::collections::BTreeMap<String, Family>,
    /// Resources with `service.name` or `service.instance.id`, for `target_info`.
    pub(super) targets: HashMap<Labels, Instant>,
    /// When it was last looked for series to forget.
    looked: Option<Instant>,
}

impl Store {
    /// An empty store.
    pub fn new(config: Config) -> Self {
        let naming = config.naming();
        Self { config, naming, families: Default::default(), targets: HashMap::new(), looked: None }
    }

    /// An empty store whose names have these suffixes, whatever the settings say.
    pub fn with_suffixes(config: Config, suffixes: Suffixes) -> Self {
        let naming = Naming { suffixes, utf8: false };
        Self { naming, ..Self::new(config) }
    }

    /// Takes the points of a request; those that cannot be shown are reported with their reason.
    pub fn update(&mut self, request: &MetricsRequest, now: Instant, dropped: &mut dyn FnMut(Dropped)) {
        // Also where nobody scrapes, so that series that come and go do not pile up.
        if self.looked.is_none_or(|at| now.saturating_duration_since(at) > self.config.metric_expiration) {
            self.expire(now);
        }
        for outer in &request.resource_metrics {
            let resource = self.resource_labels(outer.resource.as_ref(), now);
            for inner in &outer.scope_metrics {
                let mut common = resource.clone();
                if let (false, Some(scope)) = (self.config.without_scope_info, &inner.scope) {
                    labels::add_scope(&mut common.shown, scope, &inner.schema_url, self.naming.utf8);
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
        let named = names::metric(&metric.name, &metric.unit, name_kind, &self.config.namespace, self.naming);
        let Some(name) = named else { return points.iter().for_each(|_| dropped(Dropped::Name)) };
        let family = self.families.entry(name.clone()).or_insert_with(|| Family {
            kind,
            help: metric.description.clone(),
            series: HashMap::new(),
        });
        if family.kind != kind {
            tracing::warn!(metric = %name, "another metric of this name has another type; its points are dropped");
            return points.iter().for_each(|_| dropped(Dropped::OtherType));
        }
        let keeping = Keeping { common, utf8: self.naming.utf8, exemplars: self.config.enable_open_metrics, now };
        for point in points {
            if let Err(reason) = family.put(point, &keeping) {
                dropped(reason);
            }
        }
    }

    /// Labels that the resource gives to all its series.
    fn resource_labels(&mut self, resource: Option<&Resource>, now: Instant) -> Common {
        let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
        let mut all = Labels::new();
        labels::add(&mut all, attributes, self.naming.utf8);
        let find = |key: &str| attributes.iter().find(|a| a.key == key)?.value.as_ref().map(labels::text);
        let job = find("service.name").map(|name| match find("service.namespace") {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        });
        let instance = find("service.instance.id");
        let conversion = &self.config.resource_to_telemetry_conversion;
        let mut shown: Labels = if conversion.enabled { all.clone() } else { Labels::new() };
        let of_service = SERVICE.map(|name| names::label(name, self.naming.utf8));
        if conversion.exclude_service_attributes {
            shown.retain(|name, _| !of_service.contains(name));
        }
        for (name, value) in [("job", &job), ("instance", &instance)] {
            if let Some(value) = value {
                shown.insert(name.into(), value.clone());
            }
        }
        if job.is_some() || instance.is_some() {
            let mut target = all.clone();
            target.retain(|name, _| !of_service.contains(name));
            target.extend(
                shown
                    .iter()
                    .filter(|(name, _)| *name == "job" || *name == "instance")
                    .map(|(n, v)| (n.clone(), v.clone())),
            );
            self.targets.insert(target, now);
        }
        for (name, value) in &self.config.const_labels {
            shown.insert(names::label(name, self.naming.utf8), value.clone());
        }
        Common { identity: all, shown }
    }

    /// Forgets what was not updated for too long.
    pub(super) fn expire(&mut self, now: Instant) {
        self.looked = Some(now);
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

/// What is kept of points, and how.
struct Keeping<'a> {
    common: &'a Common,
    utf8: bool,
    exemplars: bool,
    now: Instant,
}

impl Keeping<'_> {
    fn exemplars(&self, exemplars: &[Exemplar]) -> Vec<Sample> {
        if self.exemplars { exemplars::samples(exemplars) } else { Vec::new() }
    }
}

impl Family {
    fn put(&mut self, point: Point<'_>, keeping: &Keeping<'_>) -> Result<(), Dropped> {
        let common = keeping.common;
        let mut own = Labels::new();
        labels::add(&mut own, point.attributes, keeping.utf8);
        let mut labels = own.clone();
        common.shown.iter().for_each(|(name, value)| labels::add_missing(&mut labels, name, value));
        let mut identity = common.identity.clone();
        identity.extend(common.shown.iter().map(|(n, v)| (n.clone(), v.clone())));
        let identity = (identity, own);
        let mut shown = match point.shown {
            Some(shown) if point.flags & NO_RECORDED_VALUE == 0 => shown,
            _ => {
                self.series.remove(&identity);
                return Ok(());
            }
        };
        match self.series.get(&identity) {
            Some(existing) if existing.time_unix_ns > point.time_unix_ns => return Err(Dropped::Older),
            Some(existing) if point.delta => {
                match point.start_unix_ns.cmp(&existing.time_unix_ns) {
                    Ordering::Equal => shown.add(&existing.shown),
                    // What is shown of sums begins anew then, as in the Collector.
                    Ordering::Less if matches!(shown, Shown::Histogram(..)) => return Err(Dropped::Overlaps),
                    Ordering::Less | Ordering::Greater => {}
                }
            }
            _ => {}
        }
        let exemplars = keeping.exemplars(point.exemplars);
        let series = Series { labels, shown, time_unix_ns: point.time_unix_ns, exemplars, updated: keeping.now };
        self.series.insert(identity, series);
        Ok(())
    }
}

impl Shown {
    /// Adds what was before: histograms only if they have the same bounds.
    fn add(&mut self, before: &Self) {
        match (self, before) {
            (Self::Integer(now), Self::Integer(before)) => *now = now.saturating_add(*before),
            (Self::Double(now), Self::Double(before)) => *now += before,
            (Self::Double(now), Self::Integer(before)) => *now += *before as f64,
            (now @ Self::Integer(_), Self::Double(before)) => {
                if let Self::Integer(int) = now {
                    *now = Self::Double(*int as f64 + before);
                }
            }
            (Self::Histogram(bounds, counts, sum), Self::Histogram(old_bounds, old_counts, old_sum))
                if bounds == old_bounds && counts.len() == old_counts.len() =>
            {
                counts.iter_mut().zip(old_counts).for_each(|(now, before)| *now = now.saturating_add(*before));
                *sum = sum.zip(*old_sum).map(|(now, before)| now + before);
            }
            _ => {}
        }
    }
}
