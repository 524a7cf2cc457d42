//! Spans to series.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{InstrumentationScope, KeyValue};
use pipeline::proto::metrics::v1::ResourceMetrics;
use pipeline::proto::trace::v1::{ResourceSpans, Span};
use pipeline::proto::{MetricsRequest, TracesRequest};
use pipeline::sampling::{TraceState, fnv_1a_64};
use pipeline::{Recent, SetKey};
use tokio::time::Instant;

use super::dimensions::Dimensions;
use super::key::{Seen, Shape};
use super::render::{self, Style};
use super::settings::{Config, Temporality};
use crate::histogram::Histogram;
use crate::series::{Family, Now, Room, Series};

/// How many series there may be without a limit of one's own.
const ROOM: usize = 100_000;

/// All series of a connector.
pub struct Aggregate {
    shape: Shape,
    style: Style,
    of_all: Dimensions,
    of_calls: Dimensions,
    of_lengths: Dimensions,
    of_events: Dimensions,
    key_attributes: Vec<String>,
    exemplars: Option<u32>,
    counts_events: bool,
    most_resources: usize,
    forget_resources: Duration,
    forget_series: Duration,
    resources: Recent<SetKey, OfResource>,
    /// Resources that had to make room, until they are handed over for the last time.
    evicted: HashMap<SetKey, OfResource>,
    room: Room,
    key: Vec<u8>,
}

/// The series of a resource.
pub struct OfResource {
    pub attributes: Vec<KeyValue>,
    pub calls: Family<u64>,
    pub lengths: Family<Histogram>,
    pub events: Family<u64>,
    last_seen: Instant,
}

/// What did not find a series of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Spans whose resource has no `service.name`.
    pub without_service: u64,
    /// Spans and events that went into a series for all that found no room.
    pub overflows: u64,
}

impl Aggregate {
    /// # Errors
    /// What the rules of the settings would have found.
    pub fn new(config: &Config, instance_id: &str) -> Result<Self, String> {
        Ok(Self {
            shape: Shape::new(config, instance_id),
            style: Style::new(config),
            of_all: Dimensions::new(&config.dimensions)?,
            of_calls: Dimensions::new(&config.calls_dimensions)?,
            of_lengths: Dimensions::new(&config.histogram.dimensions)?,
            of_events: Dimensions::new(&config.events.dimensions)?,
            key_attributes: config.resource_metrics_key_attributes.clone(),
            exemplars: config.exemplars.enabled.then_some(config.exemplars.max_per_data_point),
            counts_events: config.events.enabled,
            most_resources: config.resource_metrics_cache_size as usize,
            forget_resources: config.metrics_expiration,
            forget_series: config.series_expiration,
            resources: Recent::default(),
            evicted: HashMap::new(),
            room: Room {
                of_family: config.aggregation_cardinality_limit,
                of_all: if config.aggregation_cardinality_limit == 0 { ROOM } else { usize::MAX },
                taken: 0,
            },
            key: Vec::new(),
        })
    }

    /// Whether as many resources wait to be handed over for the last time as there may be.
    pub fn is_full(&self) -> bool {
        self.evicted.len() >= self.most_resources
    }

    /// Takes spans in.
    pub fn add(&mut self, request: &TracesRequest) -> Tally {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Now { unix: u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX), clock: Instant::now() };
        let mut tally = Tally::default();
        for outer in &request.resource_spans {
            let attributes = outer.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
            let Some(service) = attributes.iter().find(|attribute| attribute.key == "service.name") else {
                let spans = outer.scope_spans.iter().map(|scope| scope.spans.len() as u64);
                tally.without_service += spans.sum::<u64>();
                continue;
            };
            let service = match service.value.as_ref().and_then(|value| value.value.as_ref()) {
                Some(Value::StringValue(text)) => text,
                _ => "",
            };
            let key = self.resource_key(attributes);
            let mut of_resource = self.take(&key, attributes, now);
            self.add_resource(outer, service, attributes, &mut of_resource, now, &mut tally);
            self.give_back(key, of_resource);
        }
        tally
    }

    fn resource_key(&self, attributes: &[KeyValue]) -> SetKey {
        if self.key_attributes.is_empty() {
            return SetKey::of(attributes);
        }
        let some = attributes.iter().filter(|attribute| self.key_attributes.contains(&attribute.key));
        SetKey::of(&some.cloned().collect::<Vec<_>>())
    }

    /// The series of a resource, also of one that was about to go.
    fn take(&mut self, key: &SetKey, attributes: &[KeyValue], now: Now) -> OfResource {
        let known = self.resources.remove(key).or_else(|| self.evicted.remove(key));
        let mut of_resource = known.unwrap_or_else(|| OfResource {
            attributes: attributes.to_vec(),
            calls: Family::default(),
            lengths: Family::default(),
            events: Family::default(),
            last_seen: now.clock,
        });
        of_resource.last_seen = now.clock;
        of_resource
    }

    fn give_back(&mut self, key: SetKey, of_resource: OfResource) {
        self.resources.insert(key, of_resource);
        if self.resources.len() > self.most_resources
            && let Some(oldest) = self.resources.oldest()
            && let Some(evicted) = self.resources.remove(&oldest)
        {
            self.evicted.insert(oldest, evicted);
        }
    }

    fn add_resource(
        &mut self,
        outer: &ResourceSpans,
        service: &str,
        attributes: &[KeyValue],
        of_resource: &mut OfResource,
        now: Now,
        tally: &mut Tally,
    ) {
        for inner in &outer.scope_spans {
            for span in &inner.spans {
                let (count, extrapolated) = adjusted_count(span);
                let seen = Seen { service, span, scope: inner.scope.as_ref(), extrapolated };
                self.add_span(&seen, count, attributes, of_resource, now, tally);
            }
        }
    }

    fn add_span(
        &mut self,
        seen: &Seen<'_>,
        count: u64,
        resource: &[KeyValue],
        of_resource: &mut OfResource,
        now: Now,
        tally: &mut Tally,
    ) {
        let Self { shape, style, of_all, of_calls, of_lengths, of_events, exemplars, room, key, .. } = self;
        let (span, length, most) = (seen.span, style.length(seen.span), *exemplars);
        let lists = [span.attributes.as_slice(), resource];
        let dimensions = [&*of_all, &*of_calls];
        shape.key(seen, dimensions, &lists, key);
        let attributes = || shape.attributes(seen, dimensions, &lists);
        let calls = of_resource.calls.get(key, room, now, attributes, || 0);
        tally.overflows += note(calls, span, length, most, |calls| *calls += count);
        if let Some(buckets) = &style.buckets {
            let dimensions = [&*of_all, &*of_lengths];
            shape.key(seen, dimensions, &lists, key);
            let attributes = || shape.attributes(seen, dimensions, &lists);
            let lengths = of_resource.lengths.get(key, room, now, attributes, || buckets.empty());
            // What found no room for its call was counted there.
            note(lengths, span, length, most, |lengths| lengths.add(length, count, buckets));
        }
        let events = if self.counts_events { &span.events[..] } else { &[] };
        for event in events {
            let lists = [span.attributes.as_slice(), &event.attributes, resource];
            let dimensions = [&*of_all, &*of_events];
            shape.key(seen, dimensions, &lists, key);
            let attributes = || shape.attributes(seen, dimensions, &lists);
            let events = of_resource.events.get(key, room, now, attributes, || 0);
            tally.overflows += note(events, span, length, most, |events| *events += count);
        }
    }

    /// All series as metrics. With delta temporality they begin anew.
    pub fn flush(&mut self) -> MetricsRequest {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX);
        let held = self.resources.iter_mut().chain(self.evicted.iter_mut());
        let made: Vec<ResourceMetrics> =
            held.map(|(key, of)| render::resource(&mut self.style, key, of, now)).collect();
        self.forget();
        MetricsRequest { resource_metrics: made }
    }

    fn forget(&mut self) {
        self.evicted.clear();
        if self.style.temporality == Temporality::Delta {
            self.resources = Recent::default();
        }
        let (now, of_resources, of_series) = (Instant::now(), self.forget_resources, self.forget_series);
        let mut taken = 0;
        self.resources.retain(|_, of| {
            if !of_series.is_zero() {
                of.calls.expire(of_series, now);
                of.lengths.expire(of_series, now);
                of.events.expire(of_series, now);
            }
            let stays = of_resources.is_zero() || now.saturating_duration_since(of.last_seen) < of_resources;
            if stays {
                taken += of.calls.len() + of.lengths.len() + of.events.len();
            }
            stays
        });
        self.room.taken = taken;
    }
}

/// Notes a span in its series, and shows it there. Returns 1 if that is the one for what found no room.
fn note<T>(
    series: Option<(&mut Series<T>, bool)>,
    span: &Span,
    length: f64,
    exemplars: Option<u32>,
    add: impl FnOnce(&mut T),
) -> u64 {
    let Some((series, overflows)) = series else { return 0 };
    add(&mut series.value);
    if let Some(most) = exemplars.filter(|_| !overflows) {
        series.show(span, length, most);
    }
    overflows.into()
}

/// How many spans a sampled one stands for, and whether that is known. What is left of a division is one span more for so many
/// ids as make the sum right.
fn adjusted_count(span: &Span) -> (u64, bool) {
    if !span.trace_state.contains("ot=") {
        return (1, false);
    }
    let state = TraceState::parse(&span.trace_state).map(|state| state.state).unwrap_or_default();
    let Some((all, kept)) = state.threshold.and_then(|threshold| threshold.ratio()) else { return (1, false) };
    let more = fnv_1a_64(&[&span.trace_id, &span.span_id]) % kept < all % kept;
    (all / kept + u64::from(more), true)
}

/// The scope of the metrics.
pub fn scope() -> InstrumentationScope {
    InstrumentationScope { name: "kpulse/span_metrics".into(), ..InstrumentationScope::default() }
}
