use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::component::*;
use pipeline::otlp::json;
use pipeline::proto::LogsRequest;
use pipeline::proto::logs::v1::LogRecord;
use pipeline::{Batch, Next, Origin, Rejected, Signal, Tasks, Telemetry};
use tokio::time::sleep;

use super::FACTORY;
use super::fields::{moment, zone};
use crate::tests::counted;

type Out = Arc<Mutex<Vec<Batch>>>;

fn decoded(text: &str) -> (Box<dyn ProcessorConfig>, String) {
    let mut decoder = config::Decoder::default();
    let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    Configured::validate(&*config, &mut decoder);
    (config, decoder.finish().to_string())
}

struct Dedup {
    edge: Next,
    tasks: Tasks,
    telemetry: Telemetry,
    out: Out,
}

fn start(text: &str) -> Dedup {
    let out = Out::default();
    let seen = out.clone();
    start_before(
        text,
        out,
        Next::from_fn(move |batch| {
            seen.lock().unwrap().push(batch);
            async { Ok(()) }
        }),
    )
}

fn start_before(text: &str, out: Out, next: Next) -> Dedup {
    let (config, faults) = decoded(text);
    assert_eq!(faults, "");
    let (telemetry, mut tasks) = (Telemetry::new("test"), Tasks::default());
    let built = config.build(BuildContext::new("log_dedup".parse().unwrap(), telemetry.clone()));
    let Ok(Processor::Wrap(wrap)) = built else { panic!("no wrap") };
    Dedup { edge: wrap(next, &mut tasks), tasks, telemetry, out }
}

/// Records of one scope from JSON.
fn batch(records: &str) -> Batch {
    let text = format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"host.name","value":{{"stringValue":"h"}}}}]}},"schemaUrl":"u","scopeLogs":[{{"scope":{{"name":"s"}},"logRecords":[{records}]}}]}}]}}"#
    );
    let bytes = json::read(Signal::Logs.schema(), text.as_bytes()).unwrap();
    Batch::received(Signal::Logs, bytes.into(), Arc::default()).unwrap()
}

fn record(body: &str, attribute: &str) -> String {
    format!(
        r#"{{"timeUnixNano":"5","severityText":"INFO","body":{{"stringValue":"{body}"}},"attributes":[{{"key":"k","value":{{"stringValue":"{attribute}"}}}}]}}"#
    )
}

impl Dedup {
    async fn send(&self, records: &[String]) {
        self.edge.send(batch(&records.join(","))).await.unwrap();
    }

    /// What came out since this was asked last.
    fn records(&self) -> Vec<LogRecord> {
        let mut out = std::mem::take(&mut *self.out.lock().unwrap());
        let requests = out.iter_mut().map(|batch| batch.read::<LogsRequest>().unwrap().unwrap().clone());
        let scopes = requests.flat_map(|request| request.resource_logs).flat_map(|outer| outer.scope_logs);
        scopes.flat_map(|scope| scope.log_records).collect()
    }

    /// Attribute k, or else the body, with the number of each record that came out.
    fn counts(&self) -> Vec<(String, i64)> {
        use pipeline::proto::common::v1::any_value::Value::{IntValue, StringValue};
        let of = |record: &LogRecord, key: &str| {
            record.attributes.iter().find(|found| found.key == key).and_then(|found| found.value.clone()?.value)
        };
        let name = |record: &LogRecord| match of(record, "k").or_else(|| record.body.clone()?.value) {
            Some(StringValue(text)) => text,
            other => format!("{other:?}"),
        };
        let count = |record: &LogRecord| match of(record, "log_count") {
            Some(IntValue(count)) => count,
            _ => 0,
        };
        self.records().iter().map(|record| (name(record), count(record))).collect()
    }
}

fn wanted(counts: &[(&str, i64)]) -> Vec<(String, i64)> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test(start_paused = true)]
async fn equal_records_go_on_once_with_their_number_after_the_interval() {
    let dedup = start("{interval: 10s}");
    dedup.send(&[record("x", "a"), record("x", "b"), record("x", "a")]).await;
    sleep(Duration::from_secs(5)).await;
    dedup.send(&[record("x", "a"), record("y", "a")]).await;
    assert_eq!(dedup.counts(), []);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(dedup.counts(), wanted(&[("a", 3), ("b", 1), ("a", 1)]));
    let own = counted(&dedup.telemetry);
    assert!(own.contains("otelcol_dedup_processor_aggregated_logs") && own.contains(r#""asInt":"2""#), "{own}");
    sleep(Duration::from_secs(20)).await;
    assert_eq!(dedup.counts(), []);
}

#[tokio::test(start_paused = true)]
async fn a_record_says_when_the_first_and_the_last_was_seen() {
    let dedup = start("{interval: 1s, log_count_attribute: n, timezone: Asia/Tokyo}");
    dedup.send(&[record("x", "a"), record("x", "a")]).await;
    sleep(Duration::from_secs(2)).await;
    let records = dedup.records();
    let keys: Vec<_> = records[0].attributes.iter().map(|attribute| &*attribute.key).collect();
    assert_eq!(keys, ["k", "n", "first_observed_timestamp", "last_observed_timestamp"]);
    assert!(format!("{:?}", records[0].attributes[2]).contains("+09:00"), "{records:?}");
    assert!(records[0].time_unix_nano >= records[0].observed_time_unix_nano && records[0].observed_time_unix_nano > 5);
}

#[tokio::test(start_paused = true)]
async fn only_records_that_a_condition_is_true_for_wait() {
    let dedup = start("{conditions: ['log.body == \"x\"', 'resource.attributes[\"host.name\"] == \"other\"']}");
    dedup.send(&[record("x", "a"), record("y", "b"), record("x", "a"), record("y", "b")]).await;
    assert_eq!(dedup.counts(), wanted(&[("b", 0), ("b", 0)]));
    sleep(Duration::from_secs(11)).await;
    assert_eq!(dedup.counts(), wanted(&[("a", 2)]));
}

#[tokio::test(start_paused = true)]
async fn excluded_fields_are_removed_and_only_included_ones_are_compared() {
    let dedup = start(r"{exclude_fields: ['attributes.k']}");
    dedup.send(&[record("x", "a"), record("x", "b"), record("y", "c")]).await;
    sleep(Duration::from_secs(11)).await;
    assert_eq!(dedup.counts(), wanted(&[("x", 2), ("y", 1)]));
    let dedup = start(r"{include_fields: ['attributes.k', 'body.a\.b.c']}");
    let nested = |value: &str| {
        let inner = format!(r#"{{"kvlistValue":{{"values":[{{"key":"c","value":{{"stringValue":"{value}"}}}}]}}}}"#);
        format!(r#"{{"body":{{"kvlistValue":{{"values":[{{"key":"a.b","value":{inner}}},{{"key":"n"}}]}}}}}}"#)
    };
    dedup.send(&[record("x", "a"), record("y", "a"), nested("1"), nested("2"), nested("1")]).await;
    sleep(Duration::from_secs(11)).await;
    let counts: Vec<_> = dedup.counts().into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [2, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn conditions_see_who_sent_a_record() {
    let dedup = start("{conditions: ['otelcol.client.metadata[\"tenant\"][0] == \"a\"']}");
    for tenant in ["a", "b"] {
        let origin = Origin { metadata: vec![("tenant".into(), tenant.into())], ..Origin::default() };
        let one = batch(r#"{"severityText":"x"}"#);
        dedup.edge.send(Batch::received(Signal::Logs, one.encode(), origin.into()).unwrap()).await.unwrap();
    }
    let passed = dedup.out.lock().unwrap().iter().map(|batch| batch.origin().metadata[0].1.clone()).collect::<Vec<_>>();
    assert_eq!(passed, ["b"], "the other waits");
}

#[tokio::test(start_paused = true)]
async fn metadata_is_not_mixed_and_its_combinations_are_bounded() {
    let dedup = start("{metadata_keys: [tenant], metadata_cardinality_limit: 2}");
    for tenant in ["a", "b", "a"] {
        let origin = Origin { metadata: vec![("tenant".into(), tenant.into())], ..Origin::default() };
        dedup.edge.send(Batch::concat(vec![batch(&record("x", "k"))], origin.into()).unwrap()).await.unwrap();
    }
    let rejected = dedup.edge.send(batch(&record("x", "k"))).await.unwrap_err();
    assert_eq!(rejected.reason, "too many combinations of metadata values");
    sleep(Duration::from_secs(11)).await;
    let tenants: Vec<_> = dedup.out.lock().unwrap().iter().map(|batch| batch.origin().metadata[0].1.clone()).collect();
    assert_eq!((tenants, dedup.counts()), (vec!["a".into(), "b".into()], wanted(&[("k", 2), ("k", 1)])));
}

#[tokio::test(start_paused = true)]
async fn at_a_stop_everything_held_goes_on() {
    let Dedup { edge, tasks, telemetry, out } = start("{}");
    edge.send(batch(&record("x", "a"))).await.unwrap();
    drop(edge);
    tasks.end(Duration::from_secs(1)).await;
    let after = Dedup { edge: Next::fan_out(Vec::new()), tasks: Tasks::default(), telemetry, out };
    assert_eq!(after.counts(), wanted(&[("a", 1)]));
}

#[tokio::test(start_paused = true)]
async fn what_a_stop_has_no_time_for_and_what_is_refused_is_counted() {
    let stuck = start_before("{}", Out::default(), Next::from_fn(|_| std::future::pending()));
    stuck.send(&[record("x", "a"), record("x", "a"), record("y", "a")]).await;
    stuck.tasks.end(Duration::from_secs(1)).await;
    drop(stuck.edge);
    let own = counted(&stuck.telemetry);
    assert!(own.split("\"shutdown\"").next().unwrap().ends_with(r#""reason","value":{"stringValue":"#), "{own}");
    assert!(own.contains(r#""asInt":"2""#), "{own}");
    let failing = start_before("{}", Out::default(), Next::from_fn(|_| async { Err(Rejected::permanent("no")) }));
    failing.send(&[record("x", "a")]).await;
    sleep(Duration::from_secs(11)).await;
    let own = counted(&failing.telemetry);
    assert!(own.contains(r#""asInt":"1""#), "{own}");
}

#[tokio::test(start_paused = true)]
async fn only_what_does_not_wait_is_given_back_when_the_next_component_refuses() {
    let next = Next::from_fn(|_| async { Err(Rejected::retryable("full")) });
    let dedup = start_before("{conditions: ['body == \"x\"']}", Out::default(), next);
    let rejected = dedup.edge.send(batch(&[record("x", "a"), record("y", "b")].join(","))).await.unwrap_err();
    assert_eq!(rejected.items(2), 1);
}

#[test]
fn moments_are_written_in_their_zone() {
    let new_york = zone("America/New_York").unwrap();
    assert_eq!(moment(1_700_000_000_999_999_999, &new_york), "2023-11-14T17:13:20-05:00");
    assert_eq!(moment(1_700_000_000_000_000_000, &zone("").unwrap()), "2023-11-14T22:13:20Z");
}

#[test]
fn what_cannot_be_is_told_with_its_path() {
    for (text, wanted) in [
        ("{interval: 0s}", "interval: must be greater than 0"),
        ("{log_count_attribute: ''}", "log_count_attribute: must be set"),
        ("{timezone: Mars/Olympus}", "timezone: unknown time zone \"Mars/Olympus\""),
        ("{exclude_fields: [body]}", "exclude_fields::0: the whole body cannot be named"),
        ("{exclude_fields: [severity]}", "exclude_fields::0: \"severity\" must begin with body or attributes"),
        ("{exclude_fields: [body.a, body.a]}", "exclude_fields::1: stands in the list twice"),
        (
            "{exclude_fields: [body.a], include_fields: [body.b]}",
            "include_fields: cannot be used together with exclude_fields",
        ),
        ("{conditions: ['true', 'log.bdy == 1']}", "conditions::1: column 1"),
        ("{metadata_keys: [a, A]}", "metadata_keys: duplicate entry \"A\""),
    ] {
        let faults = decoded(text).1;
        assert!(faults.contains(wanted) && faults.lines().count() == 1, "{text}: {faults}");
    }
}
