//! Spans to edges, and edges to series.

use std::time::{SystemTime, UNIX_EPOCH};

use ottl::plain_text;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use pipeline::proto::trace::v1::Span;
use pipeline::proto::trace::v1::span::SpanKind;
use pipeline::proto::trace::v1::status::StatusCode;
use pipeline::proto::{MetricsRequest, TracesRequest};
use pipeline::{Attributes, proto::resource::v1::Resource};
use tokio::time::{Duration, Instant};

use super::edge::{Connection, Edge, Side};
use super::settings::Config;
use super::store::{Key, Outcome, Store};
use crate::histogram::{Buckets, Histogram, Point};
use crate::series::{Family, Now, Room};

/// The usual buckets in seconds.
const BUCKETS: [f64; 16] = [0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1., 1.4, 2., 5., 10., 15.];
/// How many series there may be.
const ROOM: usize = 50_000;
/// Series without an edge for so long are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);

/// All edges and series of a connector.
pub struct Aggregate {
    store: Store,
    series: Family<Edges>,
    room: Room,
    buckets: Buckets,
    dimensions: Vec<String>,
    databases: Vec<String>,
    peers: Vec<String>,
    shows_virtual_side: bool,
    offset: Duration,
}

/// The edges of one series.
struct Edges {
    total: i64,
    failed: i64,
    client: Histogram,
    server: Histogram,
}

/// What became of spans and edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Spans whose resource has no `service.name`.
    pub without_service: u64,
    /// Spans that found no room.
    pub no_room: u64,
    /// Edges that were new.
    pub new: u64,
    /// Edges whose other side did not come.
    pub expired: u64,
    /// Edges that found no series of their own.
    pub overflows: u64,
}

impl Aggregate {
    pub fn new(config: &Config) -> Self {
        let given = config.latency_histogram_buckets.as_ref();
        let buckets = match config.exponential_histogram_max_size {
            0 => Buckets::Explicit(given.map_or(BUCKETS.to_vec(), |b| b.iter().map(Duration::as_secs_f64).collect())),
            size => Buckets::Exponential(size),
        };
        Self {
            store: Store::new(config.store.max_items, config.store.ttl),
            series: Family::default(),
            room: Room { of_family: 0, of_all: ROOM, taken: 0 },
            buckets,
            dimensions: config.dimensions.clone(),
            databases: config.database_names(),
            peers: config.virtual_node_peer_attributes.clone(),
            shows_virtual_side: config.virtual_node_extra_label,
            offset: config.metrics_timestamp_offset,
        }
    }

    /// Takes spans in.
    pub fn add(&mut self, request: &TracesRequest) -> Tally {
        let mut tally = Tally::default();
        for outer in &request.resource_spans {
            let resource = outer.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
            let spans = outer.scope_spans.iter().flat_map(|scope| &scope.spans);
            match text(&[resource], "service.name") {
                Some(service) => spans.for_each(|span| self.add_span(&service, span, resource, &mut tally)),
                None => tally.without_service += spans.count() as u64,
            }
        }
        tally
    }

    fn add_span(&mut self, service: &str, span: &Span, resource: &[KeyValue], tally: &mut Tally) {
        let (side, connection) = match span.kind() {
            SpanKind::Client => (Side::Client, Connection::Direct),
            SpanKind::Producer => (Side::Client, Connection::Messaging),
            SpanKind::Server => (Side::Server, Connection::Direct),
            SpanKind::Consumer => (Side::Server, Connection::Messaging),
            SpanKind::Internal | SpanKind::Unspecified => return,
        };
        for key in keys(span) {
            self.add_side(key, service, span, resource, (side, connection), tally);
        }
    }

    fn add_side(
        &mut self,
        key: Key,
        service: &str,
        span: &Span,
        resource: &[KeyValue],
        (side, connection): (Side, Connection),
        tally: &mut Tally,
    ) {
        let lists = [resource, span.attributes.as_slice()];
        let (dimensions, databases, peers) = (&self.dimensions, &self.databases, &self.peers);
        let (outcome, is_new, expired) = self.store.tell(key, |edge| {
            edge.connection = connection;
            edge.failed |= span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
            put_dimensions(edge, side, dimensions, &lists);
            let length = seconds(span);
            if side == Side::Server {
                (edge.server, edge.server_length) = (service.to_owned(), length);
                return;
            }
            (edge.client, edge.client_length) = (service.to_owned(), length);
            edge.peer = peers.iter().find_map(|name| text(&lists[1..], name));
            // A database has no span of its own.
            if let Some(name) = databases.iter().find_map(|name| text(&lists, name)) {
                (edge.connection, edge.server, edge.server_length) = (Connection::Database, name, length);
            }
        });
        tally.new += u64::from(is_new);
        self.give_way(expired, tally);
        match outcome {
            Outcome::Waits => {}
            Outcome::NoRoom => tally.no_room += 1,
            Outcome::Complete(edge) => self.complete(&edge, tally),
        }
    }

    /// Forgets edges that waited long enough; those that lead to or from what is not traced are complete now.
    pub fn expire(&mut self) -> Tally {
        let mut tally = Tally::default();
        let expired = self.store.expire(Instant::now());
        self.give_way(expired, &mut tally);
        tally
    }

    fn give_way(&mut self, expired: Vec<Edge>, tally: &mut Tally) {
        for mut edge in expired {
            tally.expired += 1;
            if self.peers.is_empty() {
                continue;
            }
            edge.connection = Connection::Virtual;
            if edge.client.is_empty() && edge.from_outside {
                (edge.client, edge.virtual_side) = ("user".to_owned(), Some(Side::Client));
            } else if edge.server.is_empty() {
                edge.server = edge.peer.clone().unwrap_or_else(|| "unknown".to_owned());
                edge.virtual_side = Some(Side::Server);
            }
            if edge.virtual_side.is_some() {
                self.complete(&edge, tally);
            }
        }
    }

    fn complete(&mut self, edge: &Edge, tally: &mut Tally) {
        let attributes = edge.attributes(self.shows_virtual_side);
        let (key, buckets) = (Edge::key(&attributes), &self.buckets);
        let now = Now { unix: now(), clock: Instant::now() };
        let empty = || Edges { total: 0, failed: 0, client: buckets.empty(), server: buckets.empty() };
        let Some((series, overflows)) = self.series.get(&key, &mut self.room, now, || attributes, empty) else {
            return;
        };
        tally.overflows += u64::from(overflows);
        series.value.total += 1;
        series.value.failed += i64::from(edge.failed);
        series.value.client.add(edge.client_length, 1, buckets);
        series.value.server.add(edge.server_length, 1, buckets);
    }

    /// Forgets series that have had no edge for long.
    pub fn forget(&mut self) {
        self.room.taken -= self.series.expire(FORGOTTEN_AFTER, Instant::now());
    }

    /// Forgets the edges that wait. Returns how many that were.
    pub fn give_up(&mut self) -> usize {
        self.store.clear()
    }

    /// All series as metrics; nothing when there are none.
    pub fn flush(&mut self) -> MetricsRequest {
        if self.series.len() == 0 {
            return MetricsRequest::default();
        }
        let time = now().saturating_sub(u64::try_from(self.offset.as_nanos()).unwrap_or(u64::MAX));
        let mut metrics = vec![self.sum("traces_service_graph_request_total", time, |edges| edges.total)];
        if self.series.values().any(|series| series.value.failed > 0) {
            metrics.push(self.sum("traces_service_graph_request_failed_total", time, |edges| edges.failed));
        }
        metrics.push(self.lengths("traces_service_graph_request_server", time, |edges| &edges.server));
        metrics.push(self.lengths("traces_service_graph_request_client", time, |edges| &edges.client));
        let scope = InstrumentationScope { name: "kpulse/service_graph".into(), ..InstrumentationScope::default() };
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
        let resource = Some(Resource::default());
        MetricsRequest { resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..Default::default() }] }
    }

    fn sum(&self, name: &str, time: u64, count: fn(&Edges) -> i64) -> Metric {
        let counted = self.series.values().filter(|series| count(&series.value) > 0);
        let point = |series: &crate::series::Series<Edges>| NumberDataPoint {
            attributes: series.attributes.clone(),
            start_time_unix_nano: series.start.min(time),
            time_unix_nano: time,
            value: Some(Number::AsInt(count(&series.value))),
            ..NumberDataPoint::default()
        };
        let data = Data::Sum(Sum {
            data_points: counted.map(point).collect(),
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        });
        Metric { name: name.to_owned(), data: Some(data), ..Metric::default() }
    }

    fn lengths(&self, name: &str, time: u64, of: fn(&Edges) -> &Histogram) -> Metric {
        let points = self.series.values().map(|series| {
            let (attributes, start) = (series.attributes.clone(), series.start.min(time));
            (Point { attributes, start, time, exemplars: Vec::new() }, of(&series.value))
        });
        let data = self.buckets.data(points, AggregationTemporality::Cumulative.into());
        Metric { name: name.to_owned(), unit: "s".to_owned(), data: Some(data), ..Metric::default() }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The edges that a span is a side of: the one of its own or its parent's id, and for a consumer those of the messages
/// that it links to, which may be of other traces. One without a parent got nothing but these.
fn keys(span: &Span) -> Vec<Key> {
    let key = |id: &[u8]| (span.trace_id.clone(), id.to_vec());
    let linked = match span.kind() {
        SpanKind::Client | SpanKind::Producer => return vec![key(&span.span_id)],
        SpanKind::Consumer => &span.links[..],
        SpanKind::Server | SpanKind::Internal | SpanKind::Unspecified => &[],
    };
    let is_root = span.parent_span_id.iter().all(|byte| *byte == 0);
    let mut keys = if is_root && !linked.is_empty() { Vec::new() } else { vec![key(&span.parent_span_id)] };
    keys.extend(linked.iter().map(|link| (link.trace_id.clone(), link.span_id.clone())));
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn seconds(span: &Span) -> f64 {
    span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano) as f64 / 1e9
}

/// The value of a key as text, from the first list that has it.
fn text(lists: &[&[KeyValue]], key: &str) -> Option<String> {
    let found = lists.iter().find_map(|list| list.iter().find(|attribute| attribute.key == key))?;
    Some(plain_text(found.value.as_ref()).into_owned())
}

fn put_dimensions(edge: &mut Edge, side: Side, names: &[String], lists: &[&[KeyValue]]) {
    for name in names {
        if let Some(text) = text(lists, name) {
            let value = AnyValue { value: Some(Value::StringValue(text)) };
            edge.dimensions.put(&format!("{}_{name}", side.name()), value);
        }
    }
}
