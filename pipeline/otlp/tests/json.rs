//! Where wrong silence starts: each of these loses data without an error in a naive JSON form.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::profiles::v1development::ExportProfilesServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value as Number};
use prost::Message as _;

use crate::otlp::schema::*;
use crate::otlp::{json, mended, walk};

fn metrics(point: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","gauge":{{"dataPoints":[{point}]}}}}]}}]}}]}}"#
    )
}

fn point(text: &str) -> Option<Number> {
    let wire = json::read(&METRICS_REQUEST, metrics(text).as_bytes()).unwrap();
    let request = ExportMetricsServiceRequest::decode(&wire[..]).unwrap();
    match request.resource_metrics[0].scope_metrics[0].metrics[0].data.clone().unwrap() {
        Data::Gauge(gauge) => gauge.data_points[0].value,
        other => panic!("{other:?}"),
    }
}

/// Reads and writes again.
fn again(root: &'static Message, text: &str) -> String {
    let wire = json::read(root, text.as_bytes()).unwrap();
    walk(root, &wire).unwrap();
    let mut out = Vec::new();
    json::write(root, &wire, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn nan_and_infinities_survive_both_ways() {
    assert!(matches!(point(r#"{"asDouble":"NaN"}"#), Some(Number::AsDouble(v)) if v.is_nan()));
    assert_eq!(point(r#"{"asDouble":"Infinity"}"#), Some(Number::AsDouble(f64::INFINITY)));
    assert_eq!(point(r#"{"asDouble":"-Infinity"}"#), Some(Number::AsDouble(f64::NEG_INFINITY)));
    for value in ["\"NaN\"", "\"Infinity\"", "\"-Infinity\""] {
        let text = again(&METRICS_REQUEST, &metrics(&format!(r#"{{"asDouble":{value}}}"#)));
        assert!(text.contains(&format!(r#""asDouble":{value}"#)), "{text}");
    }
}

#[test]
fn numbers_that_are_none_are_read_in_all_spellings_and_digits_that_are_too_many_are_not() {
    for text in ["nan", "Inf", "+Infinity", "-inf"] {
        assert!(matches!(point(&format!(r#"{{"asDouble":"{text}"}}"#)), Some(Number::AsDouble(v)) if !v.is_finite()));
    }
    assert!(json::read(&METRICS_REQUEST, metrics(r#"{"asDouble":"1e400"}"#).as_bytes()).is_err());
}

#[test]
fn of_two_values_where_one_belongs_the_last_is_written() {
    for (given, wanted) in [
        (r#""asInt":"5","asDouble":1.5"#, r#"{"asDouble":1.5}"#),
        (r#""asDouble":1.5,"timeUnixNano":"3","asInt":"5""#, r#"{"timeUnixNano":"3","asInt":"5"}"#),
    ] {
        let text = again(&METRICS_REQUEST, &metrics(&format!("{{{given}}}")));
        assert_eq!(text.split("dataPoints\":[").nth(1).unwrap().split(']').next(), Some(wanted));
    }
}

#[test]
fn text_that_is_no_text_has_the_replacement_character_there() {
    let record = |text: &[u8]| {
        let [start, end] = [r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":""#, r#""}]}]}]}"#];
        let wire = json::read(&LOGS_REQUEST, &[start.as_bytes(), text, end.as_bytes()].concat()).unwrap();
        let request = ExportLogsServiceRequest::decode(&wire[..]).unwrap();
        request.resource_logs[0].scope_logs[0].log_records[0].severity_text.clone()
    };
    assert_eq!(record(b"a\xffb"), "a\u{fffd}b");
    assert_eq!(record(br"cut \ud83d"), "cut \u{fffd}");
    // resource_logs, scope_logs, log_records, severity_text: fields 1, 2, 2 and 3; and an unknown field beside it.
    let wire = b"\x0a\x0d\x12\x0b\x12\x09\x1a\x03a\xffb\xfa\x01\x01\xff";
    assert!(walk(&LOGS_REQUEST, wire).is_err());
    let mended = mended(&LOGS_REQUEST, wire).unwrap();
    assert_eq!(mended, b"\x0a\x0f\x12\x0d\x12\x0b\x1a\x05a\xef\xbf\xbdb\xfa\x01\x01\xff");
    assert_eq!(walk(&LOGS_REQUEST, &mended), Ok(1));
    assert!(crate::otlp::mended(&LOGS_REQUEST, &wire[..10]).is_err(), "other damage stays damage");
}

#[test]
fn zero_in_a_oneof_is_a_value_and_not_an_absence() {
    assert_eq!(point(r#"{"asInt":"0"}"#), Some(Number::AsInt(0)));
    assert!(again(&METRICS_REQUEST, &metrics(r#"{"asInt":0}"#)).contains(r#""asInt":"0""#));
    assert!(again(&METRICS_REQUEST, &metrics(r#"{"asDouble":0}"#)).contains(r#""asDouble":0.0"#));
}

#[test]
fn wide_integers_are_strings_when_written_and_either_when_read() {
    assert_eq!(point(r#"{"asInt":"-9223372036854775808"}"#), Some(Number::AsInt(i64::MIN)));
    assert_eq!(point(r#"{"asInt":9007199254740993}"#), Some(Number::AsInt(9_007_199_254_740_993)));
    let text = again(&METRICS_REQUEST, &metrics(r#"{"timeUnixNano":18446744073709551615,"asInt":7}"#));
    assert!(text.contains(r#""timeUnixNano":"18446744073709551615""#), "{text}");
    assert!(text.contains(r#""asInt":"7""#), "{text}");
}

#[test]
fn snake_case_is_read_and_never_taken_for_an_empty_document() {
    let text = r#"{"resource_logs":[{"scope_logs":[{"log_records":[{"severity_text":"x","trace_id":""}]}]}]}"#;
    let wire = json::read(&LOGS_REQUEST, text.as_bytes()).unwrap();
    assert_eq!(walk(&LOGS_REQUEST, &wire), Ok(1));
    let request = ExportLogsServiceRequest::decode(&wire[..]).unwrap();
    assert_eq!(request.resource_logs[0].scope_logs[0].log_records[0].severity_text, "x");
}

#[test]
fn null_is_absence_for_lists_messages_and_scalars() {
    for text in [
        r#"{"resourceLogs":null}"#,
        r#"{"resourceLogs":[{"resource":null,"scopeLogs":null,"schemaUrl":null}]}"#,
        r#"{"resourceLogs":[{"scopeLogs":[{"scope":null,"logRecords":[{"body":null,"attributes":null,"timeUnixNano":null}]}]}]}"#,
        "null",
    ] {
        let wire = json::read(&LOGS_REQUEST, text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!(walk(&LOGS_REQUEST, &wire).is_ok(), "{text}");
    }
}

#[test]
fn unknown_fields_are_skipped_whatever_they_hold() {
    let text = r#"{"resourceLogs":[],"newThing":{"a":[1,{"b":null}]},"resourceLogsX":"y"}"#;
    assert_eq!(again(&LOGS_REQUEST, text), "{}");
}

#[test]
fn enums_are_written_as_numbers_and_read_as_numbers_or_names() {
    let span = |status: &str| format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"kind":{status}}}]}}]}}]}}"#);
    assert!(again(&TRACES_REQUEST, &span("\"SPAN_KIND_SERVER\"")).contains(r#""kind":2"#));
    assert!(again(&TRACES_REQUEST, &span("2")).contains(r#""kind":2"#));
    assert!(json::read(&TRACES_REQUEST, span("\"SPAN_KIND_NONSENSE\"").as_bytes()).is_err());
}

#[test]
fn values_that_do_not_fit_are_errors_with_the_fields_name() {
    let record = |field: &str| format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{field}}}]}}]}}]}}"#);
    for field in [
        r#""traceId":"abc""#,
        r#""traceId":"00""#,
        r#""spanId":"zz00000000000000""#,
        r#""timeUnixNano":"-1""#,
        r#""timeUnixNano":"1.5""#,
        r#""droppedAttributesCount":4294967296"#,
        r#""flags":true"#,
        r#""severityText":5"#,
        r#""attributes":{}"#,
        r#""body":"text""#,
        r#""body":{"bytesValue":"***"}"#,
    ] {
        let error = json::read(&LOGS_REQUEST, record(field).as_bytes()).expect_err(field).to_string();
        let name = field.split('"').nth(1).unwrap();
        assert!(error.contains(name) || error.contains("bytesValue") || error.contains("AnyValue"), "{field}: {error}");
    }
    let bounds = metrics("{}").replace("gauge", "histogram").replace("{}", r#"{"bucketCounts":["1",null]}"#);
    assert!(json::read(&METRICS_REQUEST, bounds.as_bytes()).unwrap_err().to_string().contains("bucketCounts"));
    for broken in ["", "{", "[]", "{}x", r#"{"resourceLogs":[{]}"#] {
        assert!(json::read(&LOGS_REQUEST, broken.as_bytes()).is_err(), "{broken:?}");
    }
}

const TRACES: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":{"arrayValue":{"values":[{"stringValue":"x\n\"ü"},{"kvlistValue":{"values":[{"key":"k","value":{"bytesValue":"AQID"}}]}}]}}}]},"scopeSpans":[{"scope":{"name":"s","version":"1"},"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"n","kind":3,"startTimeUnixNano":"1","endTimeUnixNano":"2","events":[{"timeUnixNano":"1","name":"e"}],"links":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708"}],"status":{"message":"m","code":2},"flags":257}]}]}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"resource":{},"scopeMetrics":[{"scope":{},"metrics":[{"name":"h","unit":"s","histogram":{"dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"2","count":"3","sum":0.0,"bucketCounts":["1","2"],"explicitBounds":[0.5],"min":0.0}],"aggregationTemporality":2}},{"name":"e","exponentialHistogram":{"dataPoints":[{"count":"1","scale":-1,"positive":{"offset":-3,"bucketCounts":["1"]}}]}},{"name":"q","summary":{"dataPoints":[{"quantileValues":[{"quantile":0.5}]}]}}]}]}]}"#;
const PROFILES: &str = r#"{"resourceProfiles":[{"resource":{},"scopeProfiles":[{"scope":{},"profiles":[{"sampleType":{"typeStrindex":1,"unitStrindex":2},"samples":[{"stackIndex":1,"values":["-5","6"],"timestampsUnixNano":["7"]}],"profileId":"0102030405060708090a0b0c0d0e0f10"}]}]}],"dictionary":{"mappingTable":[{}],"stringTable":["","cpu"],"stackTable":[{},{"locationIndices":[1,2]}]}}"#;

#[test]
fn whole_documents_of_every_signal_come_back_as_they_were() {
    for (root, text) in [(&TRACES_REQUEST, TRACES), (&METRICS_REQUEST, METRICS), (&PROFILES_REQUEST, PROFILES)] {
        assert_eq!(again(root, text), text);
    }
}

#[test]
fn what_json_means_is_what_the_structs_hold() {
    let wire = json::read(&TRACES_REQUEST, TRACES.as_bytes()).unwrap();
    let request = ExportTraceServiceRequest::decode(&wire[..]).unwrap();
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((span.trace_id.len(), span.flags, span.status.as_ref().unwrap().code), (16, 257, 2));
    let attribute = request.resource_spans[0].resource.as_ref().unwrap().attributes[0].value.clone().unwrap();
    assert!(matches!(attribute.value, Some(Any::ArrayValue(list)) if list.values.len() == 2));
    let wire = json::read(&PROFILES_REQUEST, PROFILES.as_bytes()).unwrap();
    let request = ExportProfilesServiceRequest::decode(&wire[..]).unwrap();
    assert_eq!(request.resource_profiles[0].scope_profiles[0].profiles[0].samples[0].values, [-5, 6]);
}

#[test]
fn scattered_lists_repeated_scalars_and_split_messages_are_merged_as_protobuf_says() {
    // schemaUrl "a", scopeLogs {}, schemaUrl "b", scopeLogs {}, resource in two parts with one attribute each.
    let mut inner = vec![0x1a, 1, b'a', 0x12, 0, 0x1a, 1, b'b', 0x12, 0];
    for key in [b'x', b'y'] {
        inner.extend([0x0a, 5, 0x0a, 3, 0x0a, 1, key]);
    }
    let mut wire = vec![0x0a, inner.len() as u8];
    wire.extend(&inner);
    let mut out = Vec::new();
    json::write(&LOGS_REQUEST, &wire, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(
        text,
        r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"x"},{"key":"y"}]},"scopeLogs":[{"scope":{}},{"scope":{}}],"schemaUrl":"b"}]}"#
    );
}

#[test]
fn every_character_at_every_place_is_written_as_json_has_it() {
    let characters = (0..=0x17f).chain([0x2028, 0xfffd, 0x1f600]).filter_map(char::from_u32);
    for character in characters {
        for place in 0..10 {
            let mut text: String = "plain text".into();
            text.insert(place, character);
            // resource_logs, scope_logs, log_records, severity_text: fields 1, 2, 2 and 3.
            let mut wire = Vec::new();
            for tag in [3 << 3 | 2, 2 << 3 | 2, 2 << 3 | 2, 1 << 3 | 2] {
                let inner = if wire.is_empty() { text.as_bytes().to_vec() } else { wire };
                wire = vec![tag, inner.len() as u8];
                wire.extend(inner);
            }
            let mut out = Vec::new();
            json::write(&LOGS_REQUEST, &wire, &mut out).unwrap();
            let expected = format!("\"severityText\":{}", serde_json::to_string(&text).unwrap());
            assert!(String::from_utf8(out).unwrap().contains(&expected), "{character:?} at {place}");
        }
    }
}
