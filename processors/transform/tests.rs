use std::sync::Arc;

use pipeline::component::*;
use pipeline::proto::LogsRequest;
use pipeline::{Batch, Origin, Signal, Telemetry};

use super::FACTORY;
use crate::tests::{counted, logs};

fn verdict(text: &str, telemetry: &Telemetry) -> Verdict {
    verdict_from(text, telemetry, Origin::default())
}

fn verdict_from(text: &str, telemetry: &Telemetry, origin: Origin) -> Verdict {
    let mut decoder = config::Decoder::default();
    let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    Configured::validate(&*config, &mut decoder);
    assert_eq!(decoder.finish().to_string(), "");
    let cx = BuildContext::new("transform".parse().unwrap(), telemetry.clone());
    let Processor::Transform(transform) = config.build(cx).unwrap() else { panic!("not a transform") };
    let request = logs(&[("a", 2), ("b", 3)]);
    transform.apply(Batch::received(Signal::Logs, request.encode(), Arc::new(origin)).unwrap())
}

#[test]
fn statements_see_what_those_before_them_did() {
    let text = "log_statements: ['set(log.cache[\"n\"], 1)', 'set(log.attributes[\"n\"], log.cache[\"n\"] + 1)']";
    let Verdict::Pass(mut batch) = verdict(text, &Telemetry::new("test")) else { panic!("not passed") };
    let request = batch.read::<LogsRequest>().unwrap().unwrap();
    let records = request.resource_logs.iter().flat_map(|outer| &outer.scope_logs[0].log_records);
    let values: Vec<_> = records.map(|record| record.attributes[0].value.clone().unwrap().value.unwrap()).collect();
    assert_eq!(values, vec![pipeline::proto::common::v1::any_value::Value::IntValue(2); 5]);
}

#[test]
fn a_failure_is_counted_and_the_next_statement_runs_or_the_batch_is_refused() {
    let text = |mode| {
        format!(
            "{{error_mode: {mode}, log_statements: ['set(log.flags, 1 / log.flags)', 'set(log.severity_text, \"x\")']}}"
        )
    };
    let telemetry = Telemetry::new("test");
    let Verdict::Pass(mut batch) = verdict(&text("ignore"), &telemetry) else { panic!("not passed") };
    let request = batch.read::<LogsRequest>().unwrap().unwrap();
    assert_eq!(request.resource_logs[1].scope_logs[0].log_records[2].severity_text, "x");
    let counted = counted(&telemetry);
    assert!(counted.contains("kpulse_processor_ottl_failures") && counted.contains(r#""asInt":"5""#), "{counted}");
    let Verdict::Reject(rejected) = verdict(&text("propagate"), &telemetry) else { panic!("not refused") };
    assert!(rejected.reason.contains("division by zero"), "{rejected}");
}

#[test]
fn statements_see_who_sent_what_they_change() {
    let text = "log_statements: ['set(log.attributes[\"n\"], otelcol.client.metadata[\"X-Tenant\"][0])', \
                'set(log.severity_text, otelcol.client.addr)', \
                'set(log.attributes[\"s\"], otelcol.client.auth.attributes[\"Subject\"])']";
    let origin = Origin {
        peer: Some("192.0.2.7:999".parse().unwrap()),
        metadata: vec![("x-tenant".into(), "blue".into()), ("x-tenant".into(), "red".into())],
        identity: vec![("Subject".into(), "ann".into())],
        ..Origin::default()
    };
    let Verdict::Pass(mut batch) = verdict_from(text, &Telemetry::new("test"), origin) else { panic!("not passed") };
    let request = batch.read::<LogsRequest>().unwrap().unwrap();
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(record.severity_text, "192.0.2.7:999");
    let values: Vec<_> = record.attributes.iter().map(|a| a.value.clone().unwrap().value.unwrap()).collect();
    assert_eq!(
        values,
        ["blue", "ann"].map(|text| pipeline::proto::common::v1::any_value::Value::StringValue(text.into()))
    );
}

#[test]
fn records_are_only_flattened_with_the_feature_gate() {
    let faults = |text: &str| {
        let mut decoder = config::Decoder::default();
        let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
        Configured::validate(&*config, &mut decoder);
        decoder.finish().to_string()
    };
    assert_eq!(faults("flatten_data: false"), "");
    assert!(faults("flatten_data: true").contains("flatten_data: needs --feature-gates=transform.flatten.logs"));
}
