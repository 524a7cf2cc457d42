use pipeline::component::*;
use pipeline::proto::TracesRequest;
use pipeline::proto::common::v1::{AnyValue, KeyValue, any_value::Value};
use pipeline::proto::resource::v1::Resource;
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use pipeline::{Batch, Signal, Telemetry};

use prost::Message;

use super::FACTORY;
use crate::tests::{counted, logs};

fn filter(text: &str, telemetry: &Telemetry) -> std::sync::Arc<dyn Transform> {
    let mut decoder = config::Decoder::default();
    let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    Configured::validate(&*config, &mut decoder);
    assert_eq!(decoder.finish().to_string(), "");
    let cx = BuildContext::new("filter".parse().unwrap(), telemetry.clone());
    let Processor::Transform(filter) = config.build(cx).unwrap() else { panic!("not a transform") };
    filter
}

fn verdict(text: &str, telemetry: &Telemetry) -> Verdict {
    let request = logs(&[("a", 2), ("b", 3)]);
    filter(text, telemetry).apply(Batch::received(Signal::Logs, request.encode(), Default::default()).unwrap())
}

#[test]
fn what_is_dropped_is_counted_with_its_reason() {
    let telemetry = Telemetry::new("test");
    let verdict = verdict("log_conditions: ['resource.attributes[\"container.id\"] == \"a\"']", &telemetry);
    let Verdict::Pass(batch) = verdict else { panic!("not passed: {verdict:?}") };
    assert_eq!(batch.items(), 3);
    let counted = counted(&telemetry);
    assert!(counted.contains(r#""asInt":"2""#) && counted.contains(r#""stringValue":"filtered""#), "{counted}");
    assert!(counted.contains("otelcol_processor_filter_logs_filtered") && !counted.contains("spans_filtered"));
}

#[test]
fn a_batch_of_which_nothing_is_left_ends_here() {
    assert!(matches!(verdict("log_conditions: [log.flags >= 0]", &Telemetry::new("test")), Verdict::Empty));
}

#[test]
fn a_failure_is_ignored_silent_or_refuses_the_batch() {
    let text = |mode| format!("{{error_mode: {mode}, log_conditions: ['log.flags / 0 == 1']}}");
    for mode in ["ignore", "silent"] {
        let telemetry = Telemetry::new("test");
        assert!(matches!(verdict(&text(mode), &telemetry), Verdict::Pass(batch) if batch.items() == 5));
        let counted = counted(&telemetry);
        assert!(counted.contains("kpulse_processor_ottl_failures") && counted.contains(r#""asInt":"5""#), "{counted}");
    }
    let Verdict::Reject(rejected) = verdict(&text("propagate"), &Telemetry::new("test")) else { panic!("not refused") };
    assert!(rejected.reason.contains("division by zero"), "{rejected}");
    assert_eq!(rejected.kind, pipeline::RejectedKind::Permanent);
}

/// Spans of two services in scopes, one of them empty, with attributes of all kinds.
fn spans() -> TracesRequest {
    let text = |key: &str, value: &str| KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(Value::StringValue(value.into())) }),
        ..KeyValue::default()
    };
    let span = |number: u64| Span {
        trace_id: vec![7; 16],
        span_id: number.to_be_bytes().to_vec(),
        name: format!("GET /{number}"),
        attributes: vec![text("route", &format!("/{}", number % 3)), text("", "nameless"), text("peer", "db")],
        status: Some(Status { code: (number % 3) as i32, ..Status::default() }),
        ..Span::default()
    };
    let scope = |spans: std::ops::Range<u64>| ScopeSpans { spans: spans.map(span).collect(), ..ScopeSpans::default() };
    let resource = |name: &str, scope_spans| ResourceSpans {
        resource: Some(Resource { attributes: vec![text("service.name", name)], ..Resource::default() }),
        scope_spans,
        ..ResourceSpans::default()
    };
    let resources = vec![
        resource("shop", vec![scope(0..5), scope(0..0)]),
        resource("bank", vec![scope(5..9)]),
        resource("void", vec![]),
    ];
    TracesRequest { resource_spans: resources }
}

#[test]
fn what_is_judged_on_the_wire_is_what_is_judged_when_decoded() {
    for condition in [
        r#"span.attributes["route"] == "/1""#,
        r#"span.attributes["route"] == "/1" and resource.attributes["service.name"] == "shop""#,
        r#"span.attributes[""] == "nameless" and span.status.code == 2"#,
        r#"span.attributes["nothing"] != nil"#,
        r#"Len(span.attributes) == 3 and span.name == "GET /4""#,
        r#"span.attributes[Concat(["ro", "ute"], "")] == "/2""#,
        r#"resource.attributes["service.name"] == "bank" or span.attributes["peer"] == nil"#,
        "span.kind == 9",
        r#"span.kind.string == "Client""#,
        r#"span.status.code == 2 and span.flags == 0"#,
        r#"span.status.message == "" and span.trace_state["a"] == nil"#,
        r#"IsMatch(span.name, "/[3-5]$")"#,
        "span.start_time_unix_nano == 0",
    ] {
        let filter = filter(&format!("trace_conditions: ['{condition}']"), &Telemetry::new("test"));
        let wire =
            Batch::received(Signal::Traces, Batch::new(spans(), Default::default()).encode(), Default::default());
        let show = |verdict| match verdict {
            Verdict::Pass(batch) => Some((batch.items(), TracesRequest::decode(batch.encode()).unwrap())),
            Verdict::Empty => None,
            other => panic!("{condition}: {other:?}"),
        };
        let (wire, decoded) = (filter.apply(wire.unwrap()), filter.apply(Batch::new(spans(), Default::default())));
        let (wire, mut decoded) = (show(wire), show(decoded));
        // Going through structs leaves an empty scope where none was told: the same to every reader.
        let scopes = decoded.iter_mut().flat_map(|(_, request)| &mut request.resource_spans);
        scopes.flat_map(|resource| &mut resource.scope_spans).for_each(|scope| scope.scope = None);
        assert_eq!(wire, decoded, "{condition}");
    }
}
