use pipeline::component::*;
use pipeline::otlp::json;
use pipeline::{Batch, Signal, Telemetry};

use super::FACTORY;

const LOGS: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop-1"}}]},
  "scopeLogs":[{"scope":{"name":"lib"},"logRecords":[
    {"severityText":"INFO","body":{"stringValue":"hello"},"attributes":[{"key":"a","value":{"intValue":"1"}}]},
    {"severityText":"WARN","body":{"stringValue":"careful"}}]}]}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"resource":{},"scopeMetrics":[{"scope":{},"metrics":[
  {"name":"up","gauge":{"dataPoints":[{"asInt":"1"},{"asInt":"2"}]}},{"name":"down","gauge":{"dataPoints":[{"asInt":"3"}]}}]}]}]}"#;

fn configured(text: &str) -> (Box<dyn ProcessorConfig>, String) {
    let mut decoder = config::Decoder::default();
    let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    Configured::validate(&*config, &mut decoder);
    (config, decoder.finish().to_string())
}

fn build(text: &str, signal: Signal) -> Result<Processor, pipeline::BuildError> {
    let (config, faults) = configured(text);
    assert_eq!(faults, "");
    config.build(BuildContext::new("attributes".parse().unwrap(), Telemetry::new("test")).in_pipeline(signal))
}

/// What comes out, as JSON.
fn apply(text: &str, signal: Signal, input: &str) -> String {
    let Ok(Processor::Transform(processor)) = build(text, signal) else { panic!("no transform") };
    let bytes = json::read(signal.schema(), input.as_bytes()).unwrap();
    let batch = Batch::received(signal, bytes.into(), Default::default()).unwrap();
    let Verdict::Pass(batch) = processor.apply(batch) else { panic!("not passed") };
    let mut out = Vec::new();
    batch.write_json(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

const MARK: &str = "actions: [{key: mark, action: insert, value: new}]";

#[test]
fn every_item_is_changed_when_nothing_is_chosen() {
    assert_eq!(apply(&format!("{{{MARK}}}"), Signal::Logs, LOGS).matches("mark").count(), 2);
    assert_eq!(apply(&format!("{{{MARK}}}"), Signal::Metrics, METRICS).matches("mark").count(), 3);
}

#[test]
fn only_chosen_items_are_changed() {
    for (chosen, signal, input, changed) in [
        ("include: {match_type: strict, log_bodies: [hello]}", Signal::Logs, LOGS, 1),
        ("include: {match_type: regexp, log_severity_texts: ['INFO|WARN']}", Signal::Logs, LOGS, 2),
        ("exclude: {match_type: strict, attributes: [{key: a, value: 1}]}", Signal::Logs, LOGS, 1),
        ("include: {match_type: strict, libraries: [{name: other}]}", Signal::Logs, LOGS, 0),
        ("include: {match_type: strict, resources: [{key: service.name, value: shop-1}]}", Signal::Logs, LOGS, 2),
        ("include: {match_type: strict, metric_names: [up]}", Signal::Metrics, METRICS, 2),
        ("exclude: {match_type: regexp, metric_names: ['^u']}", Signal::Metrics, METRICS, 1),
        ("include: {match_type: strict, resources: [{key: nowhere}]}", Signal::Metrics, METRICS, 0),
    ] {
        let out = apply(&format!("{{{chosen}, {MARK}}}"), signal, input);
        assert_eq!(out.matches("mark").count(), changed, "{chosen}: {out}");
    }
}

#[test]
fn a_property_that_the_items_of_the_pipeline_do_not_have_is_told_when_it_is_built() {
    let text = format!("{{include: {{match_type: strict, span_names: [x]}}, {MARK}}}");
    assert!(build(&text, Signal::Traces).is_ok());
    let refusal = build(&text, Signal::Logs).err().unwrap().to_string();
    assert!(refusal.starts_with("attributes: include: span_names is no property of log records"), "{refusal}");
}

#[test]
fn what_can_never_work_is_told_with_its_path() {
    for (text, wanted) in [
        ("{}", "actions: must have at least one action"),
        ("{actions: [{key: a, action: insert}]}", "actions::0: needs one of value"),
        ("{include: {match_type: strict}, actions: [{key: a, action: delete}]}", "include: needs at least one of"),
        (
            "{exclude: {match_type: regexp, log_bodies: ['(']}, actions: [{key: a, action: delete}]}",
            "exclude: \"(\" is no",
        ),
        (
            "{include: {span_names: [x], log_bodies: [x]}, actions: [{key: a, action: delete}]}",
            "log_bodies is no property",
        ),
        ("{include: {log_bodies: [x]}, actions: [{key: a, action: delete}]}", "include: needs match_type"),
    ] {
        let faults = configured(text).1;
        assert!(faults.contains(wanted) && faults.lines().count() == 1, "{text}: {faults}");
    }
}
