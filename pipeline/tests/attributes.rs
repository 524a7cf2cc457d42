//! Changes of attributes on wire bytes come out as on structs.

use std::sync::Arc;

use bytes::Bytes;

use crate::otlp::json;
use crate::proto::common::v1::{AnyValue, any_value::Value};
use crate::*;

const TRACES: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"resource"}}]},
  "scopeSpans":[{"scope":{"name":"s","attributes":[{"key":"a","value":{"stringValue":"scope"}}]},"spans":[
    {"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"one","kind":2,
     "startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[{"key":"a","value":{"stringValue":"x"}},
       {"key":"gone","value":{"intValue":"1"}},{"key":"empty"},{"key":"list","value":{"arrayValue":{"values":[{"boolValue":true}]}}}],
     "events":[{"name":"e","attributes":[{"key":"a","value":{"stringValue":"event"}}]}],
     "links":[{"traceId":"0102030405060708090a0b0c0d0e0f10","attributes":[{"key":"a"}]}],"status":{"code":2}},
    {"name":"bare"}]}]},{"schemaUrl":"u"}]}"#;
const LOGS: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
  {"timeUnixNano":"5","body":{"stringValue":"b"},"attributes":[{"key":"gone"},{"key":"a","value":{"stringValue":"x"}}],"flags":1},{}]}]}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
  {"name":"g","gauge":{"dataPoints":[{"asInt":"1","attributes":[{"key":"a","value":{"stringValue":"x"}}]},{"asDouble":2.5}]}},
  {"name":"s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"attributes":[{"key":"gone"}]}]}},
  {"name":"h","histogram":{"dataPoints":[{"count":"1","bucketCounts":["1"],"attributes":[{"key":"a","value":{"stringValue":"x"}}],
     "exemplars":[{"filteredAttributes":[{"key":"a"}]}]}]}},
  {"name":"e","exponentialHistogram":{"dataPoints":[{"scale":1,"attributes":[{"key":"a","value":{"stringValue":"x"}}]}]}},
  {"name":"q","summary":{"dataPoints":[{"count":"3","attributes":[{"key":"a","value":{"stringValue":"x"}}]}]}},
  {"name":"nothing"}]}]}]}"#;

fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.into())) }
}

/// One of each kind of change.
fn change(attributes: &mut dyn Attributes) {
    if let Some(value) = attributes.get("a").map(std::borrow::Cow::into_owned) {
        attributes.put("copy", value);
    }
    assert!(!attributes.has("nowhere"));
    attributes.retain(&mut |key| key != "gone");
    attributes.change(&|key| key == "a", &mut |value| *value = text("changed"));
    attributes.put("added", text("new"));
    attributes.put("added", text("newer"));
}

fn both_ways<T: Request + PartialEq + std::fmt::Debug>(signal: Signal, input: &str) -> T {
    let bytes: Bytes = json::read(signal.schema(), input.as_bytes()).unwrap().into();
    let mut wire = Batch::received(signal, bytes.clone(), Arc::default()).unwrap();
    let mut structs = wire.clone();
    structs.read::<T>().unwrap().unwrap();
    wire.change_attributes(change).unwrap();
    structs.change_attributes(change).unwrap();
    assert_eq!(wire.items(), structs.items());
    assert_eq!(otlp::walk(signal.schema(), &wire.encode()), Ok(wire.items()));
    let (wire, structs) = (T::decode(wire.encode()).unwrap(), T::decode(structs.encode()).unwrap());
    assert_eq!(wire, structs);
    wire
}

#[test]
fn attributes_of_spans_change_and_those_of_all_else_do_not() {
    let request: proto::TracesRequest = both_ways(Signal::Traces, TRACES);
    let outer = &request.resource_spans[0];
    assert_eq!(outer.resource.as_ref().unwrap().attributes[0].value, Some(text("resource")));
    let span = &outer.scope_spans[0].spans[0];
    let keys: Vec<_> = span.attributes.iter().map(|attribute| &*attribute.key).collect();
    assert_eq!(keys, ["a", "empty", "list", "copy", "added"]);
    assert_eq!(span.attributes[0].value, Some(text("changed")));
    assert_eq!(span.attributes[3].value, Some(text("x")));
    assert_eq!(span.events[0].attributes[0].value, Some(text("event")));
    assert_eq!(outer.scope_spans[0].spans[1].attributes[0].value, Some(text("newer")));
    assert_eq!(request.resource_spans[1].schema_url, "u");
}

#[test]
fn attributes_of_log_records_change() {
    let request: proto::LogsRequest = both_ways(Signal::Logs, LOGS);
    let records = &request.resource_logs[0].scope_logs[0].log_records;
    assert_eq!(records.iter().map(|record| record.attributes.len()).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn attributes_of_points_of_every_kind_change() {
    let request: proto::MetricsRequest = both_ways(Signal::Metrics, METRICS);
    let found = format!("{request:?}");
    assert_eq!(found.matches("newer").count(), 6, "{found}");
    assert_eq!(found.matches("changed").count(), 4, "{found}");
    assert_eq!(found.matches("\"gone\"").count(), 0, "{found}");
}
