use pipeline::{Next, Rejected, Signal};

use super::FACTORY;
use crate::tests::{batch, decoded, start};

const TRACES: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"host","value":{"stringValue":"h"}}]},"scopeSpans":[
  {"scope":{"attributes":[{"key":"lang","value":{"stringValue":"rust"}}]},"spans":[
    {"name":"a","startTimeUnixNano":"5","endTimeUnixNano":"9","attributes":[{"key":"code","value":{"intValue":"200"}}],
     "events":[{"timeUnixNano":"6","name":"x"},{"timeUnixNano":"7","name":"y"}]},
    {"name":"b","startTimeUnixNano":"3","endTimeUnixNano":"4","attributes":[{"key":"code","value":{"intValue":"500"}}]},
    {"name":"c"}]}]},{"scopeSpans":[{"spans":[{"name":"a"}]}]}]}"#;

async fn points(text: &str) -> Vec<String> {
    let fed = start(&FACTORY, text, Signal::Traces);
    fed.edge.send(batch(Signal::Traces, TRACES)).await.unwrap();
    fed.points()
}

#[tokio::test]
async fn without_metrics_of_ones_own_everything_is_counted_by_resource() {
    let counted = points("{}").await;
    assert_eq!(counted, ["trace.span.count{} 1", "trace.span.count{} 3", "trace.span.event.count{} 2"]);
}

#[tokio::test]
async fn a_point_has_the_times_of_its_items_and_the_attributes_of_its_resource() {
    let fed = start(&FACTORY, "{}", Signal::Traces);
    fed.edge.send(batch(Signal::Traces, TRACES)).await.unwrap();
    let out = fed.out();
    let resource = &out[0]["resourceMetrics"][0];
    assert_eq!(resource["resource"]["attributes"][0]["key"], "host");
    let sum = &resource["scopeMetrics"][0]["metrics"][0]["sum"];
    assert_eq!((&sum["isMonotonic"], &sum["aggregationTemporality"]), (&true.into(), &1.into()));
    assert_eq!(
        (&sum["dataPoints"][0]["startTimeUnixNano"], &sum["dataPoints"][0]["timeUnixNano"]),
        (&"3".into(), &"9".into())
    );
}

#[tokio::test]
async fn conditions_choose_items_and_attributes_tell_them_apart() {
    let by_code = "{spans: {codes: {attributes: [{key: code}]}}}";
    assert_eq!(points(by_code).await, ["codes{code=200} 1", "codes{code=500} 1", "trace.span.event.count{} 2"]);
    let some = "{spans: {some: {conditions: ['name == \"a\"', 'span.attributes[\"code\"] == 500'], \
                attributes: [{key: host, default_value: none}, {key: lang, default_value: 7}]}}, spanevents: {e: {conditions: ['name == \"y\"']}}}";
    assert_eq!(points(some).await, ["e{} 1", "some{host=h,lang=rust} 2", "some{host=none,lang=7} 1"]);
}

#[tokio::test]
async fn a_batch_for_which_a_condition_fails_is_refused() {
    let fed = start(&FACTORY, "{spans: {x: {conditions: ['attributes[\"code\"] / 0 == 1']}}}", Signal::Traces);
    let rejected = fed.edge.send(batch(Signal::Traces, TRACES)).await.unwrap_err();
    assert!(rejected.reason.contains("division by zero"), "{rejected}");
    assert_eq!(fed.out().len(), 0);
}

#[tokio::test]
async fn profiles_are_counted_by_conditions_and_their_attributes() {
    let text = "{profiles: {p: {conditions: ['profile.sample_type.type == \"cpu\"'], attributes: [{key: thread}]}}}";
    let fed = start(&FACTORY, text, Signal::Profiles);
    let profile = |kind: u32, attributes: &str| {
        format!(r#"{{"sampleType":{{"typeStrindex":{kind}}},"attributeIndices":[{attributes}]}}"#)
    };
    let profiles = [profile(1, "1"), profile(1, ""), profile(2, "1")].join(",");
    let dictionary =
        r#"{"stringTable":["","cpu","thread"],"attributeTable":[{},{"keyStrindex":2,"value":{"stringValue":"main"}}]}"#;
    let request = format!(
        r#"{{"resourceProfiles":[{{"scopeProfiles":[{{"profiles":[{profiles}]}}]}}],"dictionary":{dictionary}}}"#
    );
    fed.edge.send(batch(Signal::Profiles, &request)).await.unwrap();
    assert_eq!(fed.points(), ["p{thread=main} 1"]);
}

#[tokio::test]
async fn profiles_are_counted_as_a_whole() {
    let fed = start(&FACTORY, "{profiles: {p: {description: d}}}", Signal::Profiles);
    let profiles = r#"{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"timeUnixNano":"5"},{"timeUnixNano":"7"}]}]}],"dictionary":{}}"#;
    fed.edge.send(batch(Signal::Profiles, profiles)).await.unwrap();
    assert_eq!(fed.points(), ["p{} 2"]);
}

#[tokio::test]
async fn nothing_is_sent_when_nothing_counts_and_a_refusal_is_about_the_whole_batch() {
    let fed = start(&FACTORY, "{logs: {x: {conditions: ['body == 1']}}}", Signal::Logs);
    fed.edge.send(batch(Signal::Logs, r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#)).await.unwrap();
    assert_eq!(fed.out().len(), 0);
    let refusing = Next::from_fn(|batch| async { Err(Rejected { rest: Some(batch), ..Rejected::retryable("full") }) });
    let (config, _) = decoded(&FACTORY, "{}");
    let cx = pipeline::component::BuildContext::new("count".parse().unwrap(), pipeline::Telemetry::new("test"));
    let outputs = pipeline::connector::Outputs::new([(Signal::Metrics, refusing)]);
    let edge = config.build(cx).unwrap().edge(Signal::Traces, outputs, &mut pipeline::Tasks::default());
    assert_eq!(edge.send(batch(Signal::Traces, TRACES)).await.unwrap_err().items(4), 4);
}

#[test]
fn what_cannot_be_counted_is_told_with_its_path() {
    for (text, wanted) in [
        ("{spans: {x: {conditions: ['nme == 1']}}}", "spans::x::conditions::0: column 1"),
        ("{logs: {x: {attributes: [{}]}}}", "logs::x::attributes::0::key: must be set"),
        ("{metrics: {x: {attributes: [{key: a}]}}}", "metrics::x::attributes: metrics have none; count data points"),
        ("{profiles: {x: {conditions: ['profile.perid == 1']}}}", "profiles::x::conditions::0"),
        ("{log: {}}", "unknown key \"log\"; did you mean \"logs\"?"),
    ] {
        let faults = decoded(&FACTORY, text).1;
        assert!(faults.contains(wanted) && faults.lines().count() == 1, "{text}: {faults}");
    }
}
