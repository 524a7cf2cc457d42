use std::sync::Arc;

use pipeline::proto::common::v1::any_value::Value as Any;
use pipeline::proto::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::*;
use pipeline::proto::profiles::v1development::*;
use pipeline::proto::resource::v1::Resource;
use pipeline::proto::trace::v1::span::{Event, Link};
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use pipeline::proto::{LogsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, Origin, Request};
use serde_json::{Value, json};

use crate::elasticsearch::documents::Documents;
use crate::elasticsearch::encoder::Encoder;
use crate::elasticsearch::settings::{Config, Mapping, Mode, Switch};
use crate::tests::{attribute, metric, metrics};

fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.into(), value: Some(any(value)), ..KeyValue::default() }
}

fn resource() -> Option<Resource> {
    Some(Resource { attributes: vec![attribute("host.name", "h")], ..Resource::default() })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope { name: "s".into(), version: "1".into(), ..InstrumentationScope::default() })
}

fn documents(config: &Config, mut batch: Batch) -> Documents {
    Encoder::new(config).documents(&mut batch).unwrap()
}

/// Actions and documents in turn.
fn lines(documents: &Documents) -> Vec<Value> {
    let text: Vec<u8> = documents.bulks.iter().flat_map(|bulk| bulk.plain.to_vec()).collect();
    String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn batch(request: impl Request) -> Batch {
    Batch::new(request, Arc::new(Origin::default()))
}

fn logs(records: Vec<LogRecord>) -> Batch {
    let scope_logs = vec![ScopeLogs { scope: scope(), log_records: records, schema_url: "u".into() }];
    let resource_logs = vec![ResourceLogs { resource: resource(), scope_logs, ..ResourceLogs::default() }];
    batch(LogsRequest { resource_logs })
}

#[test]
fn a_log_record_is_a_document_with_all_that_it_had() {
    let record = LogRecord {
        time_unix_nano: 1_705_314_600_000_000_001,
        observed_time_unix_nano: 1_705_314_600_123_456_789,
        severity_text: "WARN".into(),
        severity_number: 13,
        trace_id: vec![1; 16],
        span_id: vec![0; 8],
        event_name: "oom".into(),
        dropped_attributes_count: 2,
        attributes: vec![
            pair("pid", Any::IntValue(7)),
            pair("share", Any::DoubleValue(1.0)),
            pair("nan", Any::DoubleValue(f64::NAN)),
            pair("data_stream.dataset", Any::StringValue("x".into())),
            pair("pid", Any::IntValue(8)),
            pair("geo.location.lon", Any::DoubleValue(9.5)),
            pair("geo.location.lat", Any::DoubleValue(47.0)),
        ],
        body: Some(any(Any::StringValue("a \"b\"\n\u{1}".into()))),
        ..LogRecord::default()
    };
    let lines = lines(&documents(&Config::default(), logs(vec![record])));
    assert_eq!(lines[0], json!({"create": {"_index": "logs-x.otel-default", "require_data_stream": true}}));
    let wanted = json!({
        "@timestamp": "1705314600000.000001",
        "observed_timestamp": "1705314600123.456789",
        "data_stream": {"type": "logs", "dataset": "x.otel", "namespace": "default"},
        "severity_text": "WARN",
        "severity_number": 13,
        "trace_id": "01010101010101010101010101010101",
        "attributes": {"pid": 7, "share": 1.0, "nan": null, "geo.location": [9.5, 47.0]},
        "dropped_attributes_count": 2,
        "event_name": "oom",
        "resource": {"attributes": {"host.name": "h"}},
        "scope": {"schema_url": "u", "name": "s", "version": "1"},
        "body": {"text": "a \"b\"\n\u{1}"},
    });
    assert_eq!(lines[1], wanted);
}

#[test]
fn doubles_keep_their_point_so_that_they_are_mapped_as_doubles() {
    let record = LogRecord { attributes: vec![pair("x", Any::DoubleValue(1.0))], ..LogRecord::default() };
    let documents = documents(&Config::default(), logs(vec![record]));
    let text = String::from_utf8(documents.bulks[0].plain.to_vec()).unwrap();
    assert!(text.contains(r#""attributes":{"x":1.0}"#), "{text}");
}

#[test]
fn bodies_are_text_or_structure() {
    let map = Any::KvlistValue(KeyValueList { values: vec![attribute("k", "v")] });
    let list = |values: Vec<Any>| Any::ArrayValue(ArrayValue { values: values.into_iter().map(any).collect() });
    let rows = [
        (Some(Any::IntValue(5)), json!({"text": 5})),
        (Some(map.clone()), json!({"structured": {"k": "v"}})),
        (Some(list(vec![map.clone()])), json!({"structured": [{"k": "v"}]})),
        (Some(list(vec![map, Any::BoolValue(true)])), json!({"structured": {"value": [{"k": "v"}, true]}})),
        (Some(Any::BytesValue(vec![0xab])), json!({"text": "ab"})),
        (None, Value::Null),
    ];
    let records = rows.iter().map(|(body, _)| LogRecord { body: body.clone().map(any), ..LogRecord::default() });
    let lines = lines(&documents(&Config::default(), logs(records.collect())));
    for (at, (_, wanted)) in rows.iter().enumerate() {
        assert_eq!(&lines[2 * at + 1]["body"], wanted);
    }
}

#[test]
fn in_bodymap_mode_the_body_is_the_document_and_other_bodies_are_counted() {
    let map = Any::KvlistValue(KeyValueList { values: vec![attribute("k", "v"), attribute("k", "w")] });
    let records = [map, Any::StringValue("no map".into())].map(|body| LogRecord {
        body: Some(any(body)),
        attributes: vec![attribute("elasticsearch.document_id", "7")],
        ..LogRecord::default()
    });
    let mapping = Mapping { mode: Mode::Bodymap, ..Mapping::default() };
    let config = Config { mapping, logs_dynamic_id: Switch { enabled: true }, ..Config::default() };
    let documents = documents(&config, logs(records.into()));
    assert_eq!(
        lines(&documents),
        [json!({"create": {"_index": "logs-generic-default", "_id": "7"}}), json!({"k": "v"})]
    );
    assert_eq!(documents.dropped.into_iter().collect::<Vec<_>>(), [("body is no map", 1)]);
}

#[test]
fn a_span_is_a_document_and_each_of_its_events_is_one_beside_the_logs() {
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![3; 8],
        name: "GET /".into(),
        kind: 2,
        start_time_unix_nano: 1_000_000,
        end_time_unix_nano: 3_500_000,
        attributes: vec![attribute("data_stream.namespace", "prod")],
        events: vec![Event { time_unix_nano: 2_000_000, name: "exception".into(), ..Event::default() }],
        links: vec![Link { trace_id: vec![4; 16], span_id: vec![5; 8], ..Link::default() }],
        status: Some(Status { code: 2, message: "failed".into() }),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { scope: scope(), spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() }];
    let lines = lines(&documents(&Config::default(), batch(TracesRequest { resource_spans })));
    assert_eq!(lines[0]["create"]["_index"], "traces-generic.otel-prod");
    let wanted = json!({
        "@timestamp": "1.000000",
        "data_stream": {"type": "traces", "dataset": "generic.otel", "namespace": "prod"},
        "trace_id": "01010101010101010101010101010101",
        "span_id": "0202020202020202",
        "parent_span_id": "0303030303030303",
        "name": "GET /",
        "kind": "Server",
        "duration": 2_500_000,
        "attributes": {},
        "links": [{"trace_id": "04040404040404040404040404040404", "span_id": "0505050505050505"}],
        "status": {"message": "failed", "code": "Error"},
        "resource": {"attributes": {"host.name": "h"}},
        "scope": {"name": "s", "version": "1"},
    });
    assert_eq!(lines[1], wanted);
    assert_eq!(lines[2]["create"]["_index"], "logs-generic.otel-default");
    assert_eq!(
        (&lines[3]["event_name"], &lines[3]["attributes"]),
        (&json!("exception"), &json!({"event.name": "exception"}))
    );
    assert_eq!((&lines[3]["@timestamp"], &lines[3]["span_id"]), (&json!("2.000000"), &json!("0202020202020202")));
}

fn number(value: Number, mode: &str) -> NumberDataPoint {
    NumberDataPoint {
        attributes: vec![attribute("mode", mode)],
        time_unix_nano: 10_000_000,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

#[test]
fn points_of_one_time_and_the_same_attributes_are_one_document() {
    let sum = |points| Data::Sum(Sum { data_points: points, aggregation_temporality: 2, is_monotonic: true });
    let batch = metrics(
        vec![],
        vec![
            metric("b", "1", sum(vec![number(Number::AsInt(1), "idle"), number(Number::AsInt(2), "user")])),
            metric("a", "1", Data::Gauge(Gauge { data_points: vec![number(Number::AsDouble(0.5), "idle")] })),
            metric("a", "1", Data::Gauge(Gauge { data_points: vec![number(Number::AsDouble(0.6), "idle")] })),
        ],
    );
    let documents = documents(&Config::default(), batch);
    let lines = lines(&documents);
    assert_eq!(lines.len(), 4);
    let at = lines.iter().position(|line| line["attributes"]["mode"] == "idle").unwrap();
    assert_eq!(lines[at]["metrics"], json!({"a": 0.5, "b": 1}));
    // XXH64 of "ab" with seed 0, as the reference implementation prints it.
    assert_eq!((&lines[at]["unit"], &lines[at]["_metric_names_hash"]), (&json!("1"), &json!("65f708ca92d04a61")));
    let templates = json!({"metrics.a": "gauge_double", "metrics.b": "counter_long"});
    assert_eq!(lines[at - 1]["create"]["dynamic_templates"], templates);
    assert_eq!(documents.dropped["same metric, time and attributes"], 1);
    let items = documents.bulks[0].documents.iter().find(|document| document.items.len() == 2).unwrap();
    assert_eq!(*items.items, [0, 2]);
}

#[test]
fn histograms_are_middles_of_buckets_with_counts() {
    let explicit = HistogramDataPoint {
        count: 7,
        bucket_counts: vec![1, 0, 2, 4],
        explicit_bounds: vec![1.0, 2.0, 4.0],
        ..HistogramDataPoint::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        count: 7,
        zero_count: 1,
        scale: 0,
        positive: Some(Buckets { offset: 1, bucket_counts: vec![2, 0, 3] }),
        negative: Some(Buckets { offset: 0, bucket_counts: vec![1] }),
        ..ExponentialHistogramDataPoint::default()
    };
    let summary = SummaryDataPoint { count: 3, sum: 4.5, ..SummaryDataPoint::default() };
    let batch = metrics(
        vec![],
        vec![
            metric("e", "s", Data::Histogram(Histogram { data_points: vec![explicit], aggregation_temporality: 1 })),
            metric(
                "x",
                "s",
                Data::ExponentialHistogram(ExponentialHistogram {
                    data_points: vec![exponential],
                    aggregation_temporality: 1,
                }),
            ),
            metric("y", "s", Data::Summary(Summary { data_points: vec![summary] })),
        ],
    );
    let wanted = json!({
        "e": {"counts": [1, 2, 4], "values": [0.5, 3.0, 4.0]},
        "x": {"counts": [1, 1, 2, 3], "values": [-1.5, 0.0, 3.0, 12.0]},
        "y": {"sum": 4.5, "value_count": 3},
    });
    assert_eq!(lines(&documents(&Config::default(), batch))[1]["metrics"], wanted);
}

#[test]
fn a_sample_of_a_profile_is_a_document_with_its_stack() {
    let strings = ["", "cpu", "nanoseconds", "main", "work", "thread.name", "libc.so"].map(str::to_owned);
    let function = |name_strindex| Function { name_strindex, ..Function::default() };
    let line = |function_index| Line { function_index, ..Line::default() };
    let dictionary = ProfilesDictionary {
        string_table: strings.into(),
        function_table: vec![function(0), function(3), function(4)],
        mapping_table: vec![Mapping_::default(), Mapping_ { filename_strindex: 6, ..Mapping_::default() }],
        location_table: vec![
            Location::default(),
            Location { lines: vec![line(2), line(1)], ..Location::default() },
            Location { mapping_index: 1, address: 0x1f, ..Location::default() },
        ],
        stack_table: vec![Stack::default(), Stack { location_indices: vec![2, 1] }],
        attribute_table: vec![
            KeyValueAndUnit::default(),
            KeyValueAndUnit { key_strindex: 5, value: Some(any(Any::StringValue("t".into()))), unit_strindex: 0 },
        ],
        ..ProfilesDictionary::default()
    };
    let samples = vec![
        Sample { stack_index: 1, values: vec![5], attribute_indices: vec![1], ..Sample::default() },
        Sample { stack_index: 99, timestamps_unix_nano: vec![3_000_000, 4_000_001], ..Sample::default() },
    ];
    let sample_type = Some(ValueType { type_strindex: 1, unit_strindex: 2 });
    let profile = Profile { sample_type, samples, time_unix_nano: 2_000_000, ..Profile::default() };
    let scope_profiles = vec![ScopeProfiles { profiles: vec![profile], ..ScopeProfiles::default() }];
    let resource_profiles =
        vec![ResourceProfiles { resource: resource(), scope_profiles, ..ResourceProfiles::default() }];
    let request = ProfilesRequest { resource_profiles, dictionary: Some(dictionary) };
    let lines = lines(&documents(&Config::default(), batch(request)));
    assert_eq!(lines[0]["create"]["_index"], "profiles-generic.otel-default");
    let (first, second) = (&lines[1], &lines[3]);
    assert_eq!(
        (&first["value"], &first["sample_type"], &first["unit"]),
        (&json!(5), &json!("cpu"), &json!("nanoseconds"))
    );
    let stack =
        json!({"leaf": "libc.so+0x1f", "frames": ["libc.so+0x1f", "work", "main"], "folded": "main;work;libc.so+0x1f"});
    assert_eq!((&first["stack"], &first["attributes"]), (&stack, &json!({"thread.name": "t"})));
    assert_eq!((&second["value"], &second["timestamps"]), (&json!(2), &json!(["3.000000", "4.000001"])));
}

use pipeline::proto::profiles::v1development::Mapping as Mapping_;
