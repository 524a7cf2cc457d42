//! Requests as an instrumented shop would send them: some 370 bytes an item, eight attributes.

use bytes::Bytes;
use pipeline::Signal;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics};
use pipeline::proto::resource::v1::Resource;
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use pipeline::proto::{LogsRequest, MetricsRequest, TracesRequest};
use prost::Message;

/// Items of one request.
pub const ITEMS: u64 = 1000;
/// Data points of one metric.
const POINTS: u64 = 50;
const START_UNIX_NS: u64 = 1_760_000_000_000_000_000;

/// Which kind of items is sent.
pub struct Kind(pub Signal);

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let signals = [Signal::Traces, Signal::Metrics, Signal::Logs];
        let signal = signals.into_iter().find(|signal| signal.name() == word);
        signal.map(Kind).ok_or_else(|| format!("{word:?} is none of traces, metrics, logs"))
    }
}

/// One encoded request; `seed` makes it like no other.
pub fn request(signal: Signal, seed: u64) -> Bytes {
    let ids = (0..ITEMS).map(|item| seed * ITEMS + item);
    let resource = || {
        let attributes = vec![
            text("service.name", "checkout"),
            text("service.version", "2.14.1"),
            text("k8s.namespace.name", "shop"),
            text("k8s.pod.name", format!("checkout-5d4b8c-{:x}", seed % 16)),
        ];
        Some(Resource { attributes, ..Resource::default() })
    };
    let scope =
        || Some(InstrumentationScope { name: "io.shop.http".into(), version: "1.0".into(), ..Default::default() });
    match signal {
        Signal::Logs => {
            let scoped = ScopeLogs { scope: scope(), log_records: ids.map(record).collect(), ..ScopeLogs::default() };
            let whole = ResourceLogs { resource: resource(), scope_logs: vec![scoped], ..ResourceLogs::default() };
            LogsRequest { resource_logs: vec![whole] }.encode_to_vec().into()
        }
        Signal::Metrics => {
            let ids: Vec<u64> = ids.collect();
            let metrics = ids.chunks(POINTS as usize).map(metric).collect();
            let scoped = ScopeMetrics { scope: scope(), metrics, ..ScopeMetrics::default() };
            let whole = ResourceMetrics { resource: resource(), scope_metrics: vec![scoped], ..Default::default() };
            MetricsRequest { resource_metrics: vec![whole] }.encode_to_vec().into()
        }
        Signal::Traces | Signal::Profiles => {
            let scoped = ScopeSpans { scope: scope(), spans: ids.map(span).collect(), ..ScopeSpans::default() };
            let whole = ResourceSpans { resource: resource(), scope_spans: vec![scoped], ..ResourceSpans::default() };
            TracesRequest { resource_spans: vec![whole] }.encode_to_vec().into()
        }
    }
}

/// Bytes that look like no pattern, the same for the same number (splitmix64).
fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn id16(number: u64) -> Vec<u8> {
    [scattered(number).to_be_bytes(), scattered(!number).to_be_bytes()].concat()
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn attributes(id: u64) -> Vec<KeyValue> {
    vec![
        text("http.request.method", if id.is_multiple_of(4) { "POST" } else { "GET" }),
        text("url.path", format!("/api/v1/products/{}", scattered(id) % 5000)),
        text("server.address", "checkout.shop.svc.cluster.local"),
        attribute("server.port", Value::IntValue(8443)),
        attribute("http.response.status_code", Value::IntValue(if id.is_multiple_of(50) { 503 } else { 200 })),
        text("user_agent.original", "shop-frontend/3.2"),
        attribute("cart.total", Value::DoubleValue((scattered(id) % 100_000) as f64 / 100.0)),
        attribute("cache.hit", Value::BoolValue(id.is_multiple_of(3))),
    ]
}

fn span(id: u64) -> Span {
    let start = START_UNIX_NS + id * 1_000_000;
    Span {
        trace_id: id16(id / 8),
        span_id: scattered(id).to_be_bytes().to_vec(),
        parent_span_id: scattered(id / 8).to_be_bytes().to_vec(),
        name: "GET /api/v1/products/{id}".into(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + scattered(id) % 50_000_000,
        attributes: attributes(id),
        ..Span::default()
    }
}

fn record(id: u64) -> LogRecord {
    let time = START_UNIX_NS + id * 1_000_000;
    let body = format!("request {id} for product {} answered in {} us", scattered(id) % 5000, scattered(id) % 50_000);
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time + 1000,
        severity_number: 9,
        severity_text: "INFO".into(),
        body: Some(AnyValue { value: Some(Value::StringValue(body)) }),
        attributes: attributes(id),
        trace_id: id16(id / 8),
        span_id: scattered(id).to_be_bytes().to_vec(),
        ..LogRecord::default()
    }
}

fn metric(ids: &[u64]) -> Metric {
    let point = |id: &u64| NumberDataPoint {
        attributes: attributes(*id).into_iter().take(4).collect(),
        start_time_unix_nano: START_UNIX_NS,
        time_unix_nano: START_UNIX_NS + id * 1_000_000,
        value: Some(Number::AsDouble(scattered(*id) as f64 / 1e9)),
        ..NumberDataPoint::default()
    };
    let number = ids.first().map_or(0, |id| id / POINTS % 20);
    Metric {
        name: format!("shop.queue.length.{number}"),
        unit: "{item}".into(),
        data: Some(Data::Gauge(Gauge { data_points: ids.iter().map(point).collect() })),
        ..Metric::default()
    }
}
