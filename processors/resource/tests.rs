use pipeline::component::*;
use pipeline::proto::LogsRequest;
use pipeline::{Batch, Signal, Telemetry};

use super::FACTORY;
use crate::tests::{attribute, logs};

#[test]
fn every_resource_of_wire_bytes_is_changed_and_the_records_are_untouched() {
    let mut decoder = config::Decoder::default();
    let text = "{attributes: [{key: env, action: upsert, value: prod}, {key: container.id, action: delete}]}";
    let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    let cx = BuildContext::new("resource".parse().unwrap(), Telemetry::new("test"));
    let Processor::Transform(relabel) = config.build(cx).unwrap() else { panic!("not a transform") };
    let batch = Batch::received(Signal::Logs, logs(&[("a", 2), ("b", 3)]).encode(), Default::default()).unwrap();
    let Verdict::Pass(mut batch) = relabel.apply(batch) else { panic!("not passed") };
    assert_eq!(batch.items(), 5);
    let request = batch.read::<LogsRequest>().unwrap().unwrap();
    for outer in &request.resource_logs {
        assert_eq!(outer.resource.as_ref().unwrap().attributes, [attribute("env", "prod")]);
    }
    assert_eq!(request.resource_logs[1].scope_logs[0].log_records.len(), 3);
}

#[test]
fn a_resource_processor_without_actions_is_a_mistake() {
    let mut decoder = config::Decoder::default();
    let config = (FACTORY.decode)(&config::Node::default(), &mut decoder);
    Configured::validate(&*config, &mut decoder);
    assert_eq!(decoder.finish().to_string(), "attributes: must have at least one action");
}
