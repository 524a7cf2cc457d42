//! Items to sums.

use std::time::{SystemTime, UNIX_EPOCH};

use indexmap::IndexMap;
use ottl::walk::{self, Outer, Tree};
use ottl::{Client, Context, Failures, Target};
use pipeline::proto::MetricsRequest;
use pipeline::proto::common::v1::{InstrumentationScope, KeyValue};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use pipeline::proto::resource::v1::Resource;
use pipeline::{Origin, SetKey, Signal};

use super::definition::{Definition, Definitions};
use super::items;

/// What is counted, and where failures are told.
pub struct Counting {
    pub definitions: Definitions,
    pub failures: Failures,
}

impl Counting {
    /// Counts the items of a request, resource by resource.
    ///
    /// # Errors
    /// The first condition that fails.
    pub fn items<T: Tree>(&self, request: &mut T, origin: &Origin) -> Result<MetricsRequest, String> {
        let client = self.definitions.ask_for_client.then(|| Client::of(origin));
        let mut made = MetricsRequest::default();
        for outer in std::mem::take(request.outers()) {
            // What profiles name is in a dictionary beside them.
            request.outers().push(outer);
            let mut metrics = Vec::new();
            for (context, definitions) in self.definitions.of(contexts(T::SIGNAL)) {
                let mut counts = Counts::new(definitions);
                walk::visit(request, context, &mut |target| {
                    target.client.clone_from(&client);
                    counts.add(target, &self.failures)
                })?;
                metrics.extend(counts.finish());
            }
            let resource = request.outers().pop().and_then(|mut outer| outer.parts().0.take());
            made.resource_metrics.extend(under(resource, metrics));
        }
        Ok(made)
    }
}

fn contexts(signal: Signal) -> &'static [Context] {
    match signal {
        Signal::Traces => &[Context::Span, Context::SpanEvent],
        Signal::Metrics => &[Context::Metric, Context::DataPoint],
        Signal::Logs => &[Context::Log],
        Signal::Profiles => &[Context::Profile],
    }
}

/// Metrics under the attributes of a resource; nothing where there are none.
fn under(resource: Option<Resource>, metrics: Vec<Metric>) -> Option<ResourceMetrics> {
    if metrics.is_empty() {
        return None;
    }
    let attributes = resource.map(|resource| resource.attributes).unwrap_or_default();
    let scope = InstrumentationScope { name: "kpulse/count".into(), ..InstrumentationScope::default() };
    Some(ResourceMetrics {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_metrics: vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }],
        ..ResourceMetrics::default()
    })
}

/// Attributes of a point and its count, by their key.
type Points = IndexMap<SetKey, (Vec<KeyValue>, i64)>;

/// The counts of one kind of items of one resource.
struct Counts<'d> {
    definitions: &'d [Definition],
    points: Vec<Points>,
    /// The first and the last time that items told of.
    times: Option<(u64, u64)>,
}

impl<'d> Counts<'d> {
    fn new(definitions: &'d [Definition]) -> Self {
        Self { definitions, points: vec![Points::new(); definitions.len()], times: None }
    }

    fn add(&mut self, target: &Target<'_>, failures: &Failures) -> Result<(), String> {
        let (own, times) = items::of(target);
        self.saw(times);
        let scope = target.scope.as_ref().map_or(&[][..], |scope| &scope.scope.attributes);
        for index in 0..self.definitions.len() {
            let Some(attributes) = self.definitions[index].attributes([own, scope, &target.resource.attributes]) else {
                continue;
            };
            if self.definitions[index].counts(target, failures)? {
                self.increment(index, attributes);
            }
        }
        Ok(())
    }

    fn saw(&mut self, times: [u64; 2]) {
        for time in times.into_iter().filter(|time| *time > 0) {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
    }

    fn increment(&mut self, index: usize, attributes: Vec<KeyValue>) {
        self.points[index].entry(SetKey::of(&attributes)).or_insert((attributes, 0)).1 += 1;
    }

    fn finish(self) -> impl Iterator<Item = Metric> {
        let (start, end) = self.times.unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
            (now, now)
        });
        let point = move |(attributes, count)| NumberDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: end,
            value: Some(Value::AsInt(count)),
            ..NumberDataPoint::default()
        };
        let counted = self.definitions.iter().zip(self.points).filter(|(_, points)| !points.is_empty());
        counted.map(move |(definition, points)| Metric {
            name: definition.name.clone(),
            description: definition.description.clone(),
            data: Some(Data::Sum(Sum {
                data_points: points.into_values().map(point).collect(),
                aggregation_temporality: AggregationTemporality::Delta.into(),
                is_monotonic: true,
            })),
            ..Metric::default()
        })
    }
}
