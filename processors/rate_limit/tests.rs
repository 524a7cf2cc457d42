use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline::component::*;
use pipeline::proto::{MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, Origin, RejectedKind, Telemetry};

use super::{Config, Override, RateLimit, Strategy, Throttle};
use crate::tests::{counted, logs};

fn limiter(config: Config) -> (RateLimit, Telemetry) {
    let telemetry = Telemetry::new("test");
    let cx = BuildContext::new("rate_limit".parse().unwrap(), telemetry.clone());
    (RateLimit::new(config, &cx), telemetry)
}

fn passed(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Pass(batch) => batch.items(),
        Verdict::Empty => 0,
        other => panic!("{other:?}"),
    }
}

fn rejection(verdict: Verdict) -> pipeline::Rejected {
    let Verdict::Reject(rejected) = verdict else { panic!("{verdict:?}") };
    rejected
}

/// The value of `kpulse_rate_limit_items` for a class and a decision.
fn items(telemetry: &Telemetry, class: &str, decision: &str) -> u64 {
    let json: serde_json::Value = serde_json::from_str(&counted(telemetry)).unwrap();
    let metrics = json["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap().clone();
    let metric = metrics.iter().find(|metric| metric["name"] == "kpulse_rate_limit_items").unwrap();
    let points = metric["sum"]["dataPoints"].as_array().unwrap();
    let has = |point: &&serde_json::Value, key: &str, value: &str| {
        let all = point["attributes"].as_array().unwrap();
        all.iter().any(|one| one["key"] == key && one["value"]["stringValue"] == value)
    };
    let point = points.iter().find(|point| has(point, "class", class) && has(point, "decision", decision)).unwrap();
    point["asInt"].as_str().unwrap().parse().unwrap()
}

fn dropping(rate: u32, burst: u32) -> Config {
    Config { strategy: Strategy::Records, rate, burst, throttle_behavior: Throttle::Drop, ..Config::default() }
}

#[test]
fn a_burst_passes_and_then_the_rate_holds_and_every_drop_is_counted() {
    let (limiter, telemetry) = limiter(dropping(10, 20));
    let start = Instant::now();
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 50)]), start)), 20);
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 50)]), start)), 0);
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 50)]), start + Duration::from_secs(1))), 10);
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 5)]), start + Duration::from_secs(100))), 5);
    assert!(counted(&telemetry).contains(r#""asInt":"120""#), "{}", counted(&telemetry));
}

#[test]
fn each_combination_of_keys_has_a_bucket_of_its_own() {
    let keys = vec!["container.id".into(), "event.name".into()];
    let (limiter, _) = limiter(Config { keys, ..dropping(1, 3) });
    let now = Instant::now();
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 10), ("b", 2), ("c", 3)]), now)), 3 + 2 + 3);
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 1), ("b", 2)]), now)), 1);
}

#[test]
fn streams_beyond_the_bound_share_one_bucket_and_idle_ones_make_room() {
    let keys = vec!["container.id".into()];
    let (limiter, telemetry) = limiter(Config { keys, max_buckets: 2, ..dropping(1, 3) });
    let now = Instant::now();
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 1), ("b", 1), ("c", 3), ("d", 3)]), now)), 1 + 1 + 3);
    let later = now + Duration::from_secs(60);
    assert_eq!(passed(limiter.apply_at(logs(&[("d", 3)]), later)), 3);
    assert_eq!((items(&telemetry, "overflow", "passed"), items(&telemetry, "overflow", "dropped")), (3, 3));
}

#[test]
fn error_sends_the_whole_request_back_and_takes_nothing() {
    let config = Config { throttle_behavior: Throttle::Error, ..dropping(10, 20) };
    for keys in [vec![], vec!["container.id".to_owned()]] {
        let (limiter, telemetry) = limiter(Config { keys, ..config.clone() });
        let now = Instant::now();
        assert_eq!(passed(limiter.apply_at(logs(&[("a", 15)]), now)), 15);
        let rejected = rejection(limiter.apply_at(logs(&[("a", 6)]), now));
        assert_eq!((rejected.kind, rejected.retry_after), (RejectedKind::Retryable, Some(Duration::from_secs(1))));
        let rejected = rejection(limiter.apply_at(logs(&[("a", 20)]), now));
        assert_eq!(rejected.retry_after, Some(Duration::from_millis(1500)), "that is when they will be there");
        assert_eq!(passed(limiter.apply_at(logs(&[("a", 5)]), now)), 5);
        assert_eq!((items(&telemetry, "default", "passed"), items(&telemetry, "default", "rejected")), (20, 26));
    }
}

#[test]
fn what_can_never_fit_is_not_sent_back_for_ever() {
    for throttle_behavior in [Throttle::Error, Throttle::Delay] {
        let (limiter, _) = limiter(Config { throttle_behavior, ..dropping(10, 20) });
        let rejected = rejection(limiter.apply_at(logs(&[("a", 21)]), Instant::now()));
        assert_eq!((rejected.kind, rejected.retry_after), (RejectedKind::Permanent, None));
        assert!(rejected.reason.contains("burst of 20"), "{rejected}");
    }
}

#[test]
fn delay_lets_requests_wait_one_after_the_other_but_not_beyond_a_deadline() {
    let (limiter, telemetry) = limiter(Config { throttle_behavior: Throttle::Delay, ..dropping(10, 20) });
    let now = Instant::now();
    let wait = |verdict| match verdict {
        Verdict::Pass(_) => Duration::ZERO,
        Verdict::PassLater(_, wait) => wait,
        other => panic!("{other:?}"),
    };
    let waits = [20, 5, 10].map(|records| wait(limiter.apply_at(logs(&[("a", records)]), now)));
    assert_eq!(waits, [0, 500, 1500].map(Duration::from_millis));
    let origin = Origin { deadline: Some(now + Duration::from_secs(2)), ..Origin::default() };
    let late = Batch::received(pipeline::Signal::Logs, logs(&[("a", 6)]).encode(), Arc::new(origin)).unwrap();
    let rejected = rejection(limiter.apply_at(late, now));
    assert_eq!((rejected.kind, rejected.retry_after), (RejectedKind::Retryable, Some(Duration::from_millis(2100))));
    assert_eq!((items(&telemetry, "default", "delayed"), items(&telemetry, "default", "rejected")), (15, 6));
}

#[test]
fn a_sample_of_what_does_not_fit_passes() {
    let sampling = Config { throttle_behavior: Throttle::Sample, sample_percentage: 25.0, ..dropping(1, 20) };
    let (limiter, telemetry) = limiter(Config { keys: vec!["container.id".into()], ..sampling });
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 120)]), Instant::now())), 20 + 25);
    let found = ["passed", "sampled", "dropped"].map(|decision| items(&telemetry, "default", decision));
    assert_eq!(found, [20, 25, 75]);
}

#[test]
fn sampled_spans_stay_together_by_trace() {
    let span = |trace: u8, span: u8| {
        let mut trace_id = vec![7; 16];
        trace_id[9] = trace;
        let span_id = vec![span; 8];
        pipeline::proto::trace::v1::Span { trace_id, span_id, ..Default::default() }
    };
    let spans: Vec<_> = (0..=255).flat_map(|trace| [span(trace, 1), span(trace, 2)]).collect();
    let scope_spans = vec![pipeline::proto::trace::v1::ScopeSpans { spans, ..Default::default() }];
    let resource_spans = vec![pipeline::proto::trace::v1::ResourceSpans { scope_spans, ..Default::default() }];
    let batch = Batch::new(TracesRequest { resource_spans }, Arc::default());
    let sampling = Config { throttle_behavior: Throttle::Sample, sample_percentage: 50.0, ..dropping(1, 1) };
    let (limiter, _) = limiter(sampling);
    // One span has a token; of the others those of traces 0 to 127 pass.
    let Verdict::Pass(mut batch) = limiter.apply_at(batch, Instant::now()) else { panic!() };
    let request = batch.read::<TracesRequest>().unwrap().unwrap();
    let kept = &request.resource_spans[0].scope_spans[0].spans;
    assert_eq!(kept.len(), 256);
    assert!(kept.iter().all(|span| span.trace_id[9] < 128));
}

#[test]
fn the_first_override_that_fits_replaces_the_limit() {
    let more = |rate, burst| Override { rate: Some(rate), burst };
    let overrides = [
        ("container.id:a;event.name:drop".to_owned(), more(1, Some(2))),
        ("container.id:b".to_owned(), more(1, Some(7))),
        ("event.name:drop".to_owned(), more(1, None)),
    ];
    let keys = vec!["container.id".into(), "event.name".into()];
    let (limiter, telemetry) = limiter(Config { keys, overrides: overrides.into(), ..dropping(1, 4) });
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 9), ("b", 9), ("c", 9)]), Instant::now())), 2 + 7 + 4);
    assert_eq!(items(&telemetry, "container.id:a;event.name:drop", "passed"), 2);
    assert_eq!(items(&telemetry, "container.id:b", "dropped"), 2);
    assert_eq!(items(&telemetry, "event.name:drop", "passed"), 4);
}

#[test]
fn client_metadata_tells_senders_apart_without_decoding() {
    let origin = |tenant: &str| Origin { metadata: vec![("x-tenant".into(), tenant.into())], ..Origin::default() };
    let batch = |tenant| {
        let bytes = logs(&[("a", 3)]).encode();
        Batch::received(pipeline::Signal::Logs, bytes, Arc::new(origin(tenant))).unwrap()
    };
    let overrides = [("x-tenant:big".to_owned(), Override { rate: None, burst: Some(2) })];
    let requests = Config { strategy: Strategy::Requests, metadata_keys: vec!["X-Tenant".into()], ..dropping(1, 1) };
    let (limiter, telemetry) = limiter(Config { overrides: overrides.into(), ..requests });
    let now = Instant::now();
    let results = ["a", "a", "b", "big", "big", "big"].map(|tenant| passed(limiter.apply_at(batch(tenant), now)));
    assert_eq!(results, [3, 0, 3, 3, 3, 0]);
    assert_eq!((items(&telemetry, "default", "dropped"), items(&telemetry, "x-tenant:big", "passed")), (3, 6));
}

#[test]
fn points_and_samples_are_records_with_keys_too() {
    use pipeline::proto::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data};
    let point =
        |disk: &str| NumberDataPoint { attributes: vec![crate::tests::attribute("disk", disk)], ..Default::default() };
    let data = Data::Gauge(Gauge { data_points: vec![point("a"), point("a"), point("b")] });
    let metrics = vec![Metric { data: Some(data), ..Default::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..Default::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..Default::default() }];
    let batch = Batch::new(MetricsRequest { resource_metrics }, Arc::default());
    let keyed = |key: &str| limiter(Config { keys: vec![key.into()], ..dropping(1, 1) }).0;
    assert_eq!(passed(keyed("disk").apply_at(batch, Instant::now())), 2);

    use pipeline::proto::common::v1::{AnyValue, any_value::Value};
    use pipeline::proto::profiles::v1development::*;
    let thread = |name: &str| KeyValueAndUnit {
        key_strindex: 1,
        value: Some(AnyValue { value: Some(Value::StringValue(name.into())) }),
        unit_strindex: 0,
    };
    let dictionary = ProfilesDictionary {
        string_table: vec![String::new(), "thread.name".into()],
        attribute_table: vec![Default::default(), thread("main"), thread("worker")],
        ..Default::default()
    };
    let sample = |index| Sample { attribute_indices: vec![index], values: vec![1], ..Default::default() };
    let profiles = vec![Profile { samples: [1, 1, 2, 2, 2].map(sample).into(), ..Default::default() }];
    let scope_profiles = vec![ScopeProfiles { profiles, ..Default::default() }];
    let resource_profiles = vec![ResourceProfiles { scope_profiles, ..Default::default() }];
    let request = ProfilesRequest { resource_profiles, dictionary: Some(dictionary) };
    assert_eq!(passed(keyed("thread.name").apply_at(Batch::new(request, Arc::default()), Instant::now())), 2);
}

#[test]
fn bytes_count_what_a_record_takes_on_the_wire() {
    let (limiter, _) = limiter(Config { strategy: Strategy::Bytes, ..dropping(1, 12) });
    // A record with the event name "drop" takes six bytes, so two fit.
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 5)]), Instant::now())), 2);
}

#[test]
fn what_cannot_work_is_refused_with_its_path() {
    let mut decoder = config::Decoder::default();
    let text =
        "{keys: [a], burst: 1, throttle_behavior: dorp, sample_percentage: 0, overrides: {x: {rate: 0}, b:1;a:2: }}";
    let node = config::parse(text, &"test".into()).unwrap();
    let config = (super::FACTORY.decode)(&node, &mut decoder);
    Configured::validate(&*config, &mut decoder);
    let text = decoder.finish().to_string();
    for wanted in [
        "throttle_behavior: unknown throttle_behavior \"dorp\"; did you mean \"drop\"?",
        "rate: must be greater",
        "keys: a request has no",
        "sample_percentage: must be greater than 0 and at most 100",
        "overrides::x: \"x\" is not name:value",
        "overrides::x::rate: must be greater than zero",
        "overrides::b:1;a:2: \"b\" is neither in keys nor in metadata_keys",
    ] {
        assert!(text.contains(wanted), "{text}");
    }
}
