use pipeline::component::*;
use pipeline::{Batch, Signal, Telemetry};

use super::FACTORY;
use crate::tests::{counted, logs};

fn verdict(text: &str, telemetry: &Telemetry) -> Verdict {
    let mut decoder = config::Decoder::default();
    let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    Configured::validate(&*config, &mut decoder);
    assert_eq!(decoder.finish().to_string(), "");
    let cx = BuildContext::new("filter".parse().unwrap(), telemetry.clone());
    let Processor::Transform(filter) = config.build(cx).unwrap() else { panic!("not a transform") };
    let request = logs(&[("a", 2), ("b", 3)]);
    filter.apply(Batch::received(Signal::Logs, request.encode(), Default::default()).unwrap())
}

#[test]
fn what_is_dropped_is_counted_with_its_reason() {
    let telemetry = Telemetry::new("test");
    let verdict = verdict("log_conditions: ['resource.attributes[\"container.id\"] == \"a\"']", &telemetry);
    let Verdict::Pass(batch) = verdict else { panic!("not passed: {verdict:?}") };
    assert_eq!(batch.items(), 3);
    let counted = counted(&telemetry);
    assert!(counted.contains(r#""asInt":"2""#) && counted.contains(r#""stringValue":"filtered""#), "{counted}");
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
