use std::time::Duration;

use pipeline::Signal;
use tokio::time::sleep;

use super::FACTORY;
use crate::exponential::Exponential;
use crate::tests::{Fed, batch, decoded, start};

/// A span of a service with this name and so many milliseconds.
fn span(service: &str, name: &str, milliseconds: u64) -> pipeline::Batch {
    let end = 1_000_000_000 + milliseconds * 1_000_000;
    let service = format!(r#"{{"key":"service.name","value":{{"stringValue":"{service}"}}}}"#);
    batch(
        Signal::Traces,
        &format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{service}]}},"scopeSpans":[{{"spans":[{{"name":"{name}","startTimeUnixNano":"1000000000","endTimeUnixNano":"{end}"}}]}}]}}]}}"#
        ),
    )
}

const PLAIN: &str =
    "metrics_flush_interval: 10s, namespace: '', exclude_dimensions: [span.kind, status.code, collector.instance.id]";

async fn fed(more: &str) -> Fed {
    start(&FACTORY, &format!("{{{PLAIN}{more}}}"), Signal::Traces)
}

async fn later(fed: &Fed, seconds: u64) -> Vec<String> {
    sleep(Duration::from_secs(seconds)).await;
    fed.points()
}

#[tokio::test(start_paused = true)]
async fn cumulative_calls_begin_with_zero_and_go_on() {
    let fed = fed("").await;
    for milliseconds in [3, 700] {
        fed.edge.send(span("a", "x", milliseconds)).await.unwrap();
    }
    let key = "{service.name=a,span.name=x}";
    assert_eq!(later(&fed, 11).await, [format!("calls{key} 0"), format!("duration{key} 2")]);
    fed.edge.send(span("a", "x", 1)).await.unwrap();
    assert_eq!(later(&fed, 10).await, [format!("calls{key} 3"), format!("duration{key} 3")]);
    assert_eq!(later(&fed, 10).await, [format!("calls{key} 3"), format!("duration{key} 3")]);
}

#[tokio::test(start_paused = true)]
async fn delta_values_begin_anew_where_the_last_ones_ended() {
    let fed = fed(", aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA").await;
    let mut times = Vec::new();
    for _ in 0..2 {
        fed.edge.send(span("a", "x", 3)).await.unwrap();
        sleep(Duration::from_secs(11)).await;
        let out = fed.out();
        let point = &out[0]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["sum"]["dataPoints"][0];
        assert_eq!(point["asInt"], "1");
        times.push((point["startTimeUnixNano"].clone(), point["timeUnixNano"].clone()));
    }
    assert_eq!(times[0].1, times[1].0);
    assert_eq!(later(&fed, 20).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn series_and_resources_that_are_no_longer_seen_are_forgotten() {
    let series = fed(", series_expiration: 15s, histogram: {disable: true}").await;
    let resources = fed(", metrics_expiration: 15s, histogram: {disable: true}").await;
    for fed in [&series, &resources] {
        fed.edge.send(span("a", "x", 3)).await.unwrap();
        sleep(Duration::from_secs(9)).await;
        fed.edge.send(span("a", "y", 3)).await.unwrap();
        fed.edge.send(span("b", "x", 3)).await.unwrap();
        sleep(Duration::from_secs(13)).await;
        fed.out();
    }
    assert_eq!(later(&series, 9).await, ["calls{service.name=a,span.name=y} 1", "calls{service.name=b,span.name=x} 1"]);
    // Both resources were seen within 15 s of the second flush, and not of the third.
    assert_eq!(later(&resources, 9).await.len(), 3);
    assert_eq!(later(&resources, 10).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn resources_without_room_are_handed_over_once_more_and_forgotten() {
    let fed = fed(", resource_metrics_cache_size: 1, histogram: {disable: true}").await;
    fed.edge.send(span("a", "x", 3)).await.unwrap();
    // There is no room for a second one that waits, so what is held goes on at once.
    fed.edge.send(span("b", "x", 3)).await.unwrap();
    assert_eq!(fed.points(), ["calls{service.name=a,span.name=x} 0", "calls{service.name=b,span.name=x} 0"]);
    assert_eq!(later(&fed, 11).await, ["calls{service.name=b,span.name=x} 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_series_is_in_one_for_all_and_counted() {
    let fed = fed(", aggregation_cardinality_limit: 2, histogram: {disable: true}, aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA").await;
    for name in ["x", "y", "z", "z", "w", "x"] {
        fed.edge.send(span("a", name, 3)).await.unwrap();
    }
    fed.edge.send(batch(Signal::Traces, r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]}]}]}"#)).await.unwrap();
    let wanted = [
        "calls{otel.metric.overflow=true} 3",
        "calls{service.name=a,span.name=x} 2",
        "calls{service.name=a,span.name=y} 1",
    ];
    assert_eq!(later(&fed, 11).await, wanted);
    assert_eq!(fed.count("kpulse_connector_overflow_items", "span_metrics"), 3);
    assert_eq!(fed.count("kpulse_connector_dropped_items", "no_service_name"), 2);
}

#[tokio::test(start_paused = true)]
async fn at_a_stop_everything_held_goes_on() {
    let Fed { edge, tasks, telemetry, out } =
        fed(", histogram: {unit: s}, aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA").await;
    edge.send(span("a", "x", 1500)).await.unwrap();
    tasks.end(Duration::from_secs(1)).await;
    let after = Fed { edge, tasks: pipeline::Tasks::default(), telemetry, out };
    assert_eq!(after.points(), ["calls{service.name=a,span.name=x} 1", "duration{service.name=a,span.name=x} 1"]);
}

#[test]
fn exponential_buckets_hold_their_upper_bounds_and_widen_when_values_lie_apart() {
    let histogram = |size: u32, values: &[f64]| {
        let mut histogram = Exponential::new(size);
        values.iter().for_each(|value| histogram.add(*value, 1));
        let point = histogram.point();
        let buckets = point.positive.unwrap();
        (point.scale, buckets.offset, buckets.bucket_counts, point.zero_count)
    };
    assert_eq!(histogram(160, &[]), (0, 0, vec![], 0));
    assert_eq!(histogram(160, &[0.0, 0.0]), (0, 0, vec![], 2));
    assert_eq!(histogram(160, &[1.0]), (20, -1, vec![1], 0));
    assert_eq!(histogram(4, &[1.0, 2.0, 4.0]), (0, -1, vec![1, 1, 1], 0));
    assert_eq!(histogram(4, &[4.0, 2.0, 1.0, 8.0, 16.0]), (-1, -1, vec![1, 2, 2], 0));
    let (scale, offset, counts, _) = histogram(2, &[f64::MIN_POSITIVE, f64::MAX, 1.0]);
    assert_eq!((scale, offset, counts), (-10, -1, vec![2, 1]));
}

#[test]
fn what_cannot_be_is_told_with_its_path() {
    for (text, wanted) in [
        ("{dimensions: [{name: a, glob: 'b*'}]}", "dimensions::0: only one of name and glob"),
        ("{dimensions: [{}]}", "dimensions::0: needs name or glob"),
        ("{dimensions: [{name: a}, {name: a}]}", "dimensions::1: \"a\" is a dimension already"),
        ("{calls_dimensions: [{name: span.kind}]}", "calls_dimensions::0: \"span.kind\" is a dimension already"),
        ("{dimensions: [{name: http.route}, {glob: 'http.*'}]}", "dimensions::1: the glob fits \"http.route\""),
        ("{dimensions: [{glob: '[a'}]}", "dimensions::0: glob has a [ that is not closed"),
        ("{dimensions: [{glob: 'x*', default: y}]}", "dimensions::0: a glob has no default"),
        ("{histogram: {explicit: {}, exponential: {}}}", "histogram: only one of explicit and exponential"),
        ("{histogram: {unit: m}}", "histogram::unit: unknown unit \"m\""),
        ("{events: {enabled: true}}", "events::dimensions: must have at least one dimension"),
        ("{metrics_flush_interval: 0s}", "metrics_flush_interval: must be greater than 0"),
        ("{resource_metrics_cache_size: 0}", "resource_metrics_cache_size: must be greater than 0"),
        ("{aggregation_temporality: delta}", "aggregation_temporality: unknown aggregation_temporality \"delta\""),
        (
            "{aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA, metric_timestamp_cache_size: 0}",
            "metric_timestamp_cache_size: must be",
        ),
    ] {
        let faults = decoded(&FACTORY, text).1;
        assert!(faults.contains(wanted) && faults.lines().count() == 1, "{text}: {faults}");
    }
}
