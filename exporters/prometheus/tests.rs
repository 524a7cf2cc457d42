use std::time::{Duration, Instant};

use pipeline::proto::MetricsRequest;
use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::*;

use super::names::{self, Kind, Suffixes};
use super::series::{Dropped, Store};
use super::{Config, ResourceLabels};
use crate::tests::{attribute, metric, metrics};

fn counter(value: i64, time: u64, labels: &[(&str, &str)]) -> Metric {
    let attributes = labels.iter().map(|(k, v)| attribute(k, v)).collect();
    let point = NumberDataPoint {
        attributes,
        time_unix_nano: time,
        value: Some(Number::AsInt(value)),
        ..NumberDataPoint::default()
    };
    metric("reads", "By", Data::Sum(Sum { data_points: vec![point], aggregation_temporality: 2, is_monotonic: true }))
}

struct Page {
    store: Store,
    dropped: Vec<Dropped>,
    now: Instant,
}

impl Page {
    fn new(config: Config) -> Self {
        Self { store: Store::new(config), dropped: Vec::new(), now: Instant::now() }
    }

    fn put(&mut self, resource: &[(&str, &str)], metric: Metric) {
        let resource = resource.iter().map(|(k, v)| attribute(k, v)).collect();
        let mut batch = metrics(resource, vec![metric]);
        let request = batch.read::<MetricsRequest>().unwrap().unwrap();
        self.store.update(request, self.now, &mut |reason| self.dropped.push(reason));
    }

    fn text(&mut self) -> String {
        self.store.page(self.now).text
    }
}

#[test]
fn names_follow_the_collectors_rules() {
    let rows = [
        ("system.cpu.time", "s", Kind::Counter, "system_cpu_time_seconds_total"),
        ("system.memory.usage", "By", Kind::Gauge, "system_memory_usage_bytes"),
        ("process.cpu.utilization", "1", Kind::Gauge, "process_cpu_utilization_ratio"),
        ("http.server.request.duration", "s", Kind::Distribution, "http_server_request_duration_seconds"),
        ("disk.total.bytes", "By", Kind::Counter, "disk_bytes_total"),
        ("speed", "By/s", Kind::Gauge, "speed_bytes_per_second"),
        ("requests", "{request}", Kind::Counter, "requests_total"),
        ("2nd.try", "", Kind::Gauge, "_2nd_try"),
        ("a..b--c_", "", Kind::Gauge, "a_b_c"),
    ];
    for (name, unit, kind, wanted) in rows {
        assert_eq!(names::metric(name, unit, kind, "", Suffixes::all(true)), wanted);
    }
    assert_eq!(names::metric("x", "s", Kind::Counter, "app", Suffixes::all(false)), "app_x");
    for (name, wanted) in [("a.b", "a_b"), ("1a", "key_1a"), ("_a", "key_a"), ("__a", "__a")] {
        assert_eq!(names::label(name), wanted);
    }
}

#[test]
fn a_counter_is_shown_with_its_last_value_and_escaped_labels() {
    let mut page = Page::new(Config::default());
    page.put(&[], counter(1, 10, &[("path", "a\"b\\c\nd")]));
    page.put(&[], counter(5, 20, &[("path", "a\"b\\c\nd")]));
    page.put(&[], counter(3, 15, &[("path", "a\"b\\c\nd")]));
    let text = page.text();
    assert!(text.starts_with("# HELP reads_bytes_total About reads.\n# TYPE reads_bytes_total counter\n"), "{text}");
    assert!(text.ends_with("reads_bytes_total{path=\"a\\\"b\\\\c\\nd\"} 5\n"), "{text}");
    assert_eq!(page.dropped, [Dropped::Older]);
}

#[test]
fn resources_stay_apart_or_are_counted_when_their_labels_are_the_same() {
    let two = |config| {
        let mut page = Page::new(config);
        page.put(&[("container.id", "a")], counter(1, 10, &[]));
        page.put(&[("container.id", "b")], counter(2, 10, &[]));
        page.store.page(page.now)
    };
    let apart = two(Config { resource_to_telemetry_conversion: ResourceLabels { enabled: true }, ..Config::default() });
    assert!(
        apart.text.contains("{container_id=\"a\"} 1") && apart.text.contains("{container_id=\"b\"} 2"),
        "{}",
        apart.text
    );
    assert_eq!(apart.same_labels, 0);
    let merged = two(Config::default());
    assert_eq!(merged.same_labels, 1);
    assert_eq!(merged.text.lines().filter(|l| !l.starts_with('#')).count(), 1, "{}", merged.text);
}

#[test]
fn a_service_gives_job_instance_and_target_info() {
    let mut page = Page::new(Config::default());
    let service = [("service.name", "s"), ("service.namespace", "n"), ("service.instance.id", "i"), ("host.name", "h")];
    page.put(&service, counter(1, 10, &[]));
    let text = page.text();
    assert!(text.contains("reads_bytes_total{instance=\"i\",job=\"n/s\"} 1"), "{text}");
    assert!(text.contains("target_info{host_name=\"h\",instance=\"i\",job=\"n/s\"} 1"), "{text}");
}

#[test]
fn histograms_are_cumulative_and_end_with_everything() {
    let point = HistogramDataPoint {
        count: 6,
        sum: Some(0.25),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![0.000_001_024, 1.5],
        ..HistogramDataPoint::default()
    };
    let data = Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: 2 });
    let mut page = Page::new(Config::default());
    page.put(&[], metric("wait", "s", data));
    let text = page.text();
    for line in
        ["_bucket{le=\"1.024e-6\"} 1", "_bucket{le=\"1.5\"} 3", "_bucket{le=\"+Inf\"} 6", "_sum 0.25", "_count 6"]
    {
        assert!(text.contains(&format!("wait_seconds{line}\n")), "{line} in {text}");
    }
}

#[test]
fn exponential_histograms_become_classic_ones_with_exact_bounds() {
    let point = ExponentialHistogramDataPoint {
        count: 10,
        zero_count: 1,
        scale: 0,
        positive: Some(Buckets { offset: 1, bucket_counts: vec![2, 3] }),
        negative: Some(Buckets { offset: 0, bucket_counts: vec![4] }),
        ..ExponentialHistogramDataPoint::default()
    };
    let (bounds, counts) = super::exponential::classic(&point);
    assert_eq!(bounds, [-1.0, 0.0, 4.0, 8.0]);
    assert_eq!(counts, [4, 1, 2, 3, 0]);
}

#[test]
fn what_a_scrape_cannot_show_is_counted() {
    let mut page = Page::new(Config::default());
    let point = NumberDataPoint { value: Some(Number::AsInt(1)), ..NumberDataPoint::default() };
    let delta = Data::Sum(Sum { data_points: vec![point], aggregation_temporality: 1, is_monotonic: true });
    page.put(&[], metric("delta", "", delta));
    page.put(&[], counter(1, 1, &[]));
    let gauge = gauge_point(f64::NAN);
    page.put(&[], metric("reads.total", "By", Data::Gauge(Gauge { data_points: vec![gauge] })));
    page.put(
        &[],
        metric("reads.bytes.total", "", Data::Gauge(Gauge { data_points: vec![gauge_point(f64::INFINITY)] })),
    );
    assert_eq!(page.dropped, [Dropped::Temporality, Dropped::OtherType]);
    assert!(page.text().contains("NaN"), "{}", page.text());
}

fn gauge_point(value: f64) -> NumberDataPoint {
    NumberDataPoint { value: Some(Number::AsDouble(value)), ..NumberDataPoint::default() }
}

#[test]
fn series_end_by_their_flag_or_by_age() {
    let mut page = Page::new(Config::default());
    page.put(&[], counter(1, 10, &[("a", "1")]));
    page.put(&[], counter(1, 10, &[("a", "2")]));
    let mut ended = counter(0, 11, &[("a", "1")]);
    if let Some(Data::Sum(sum)) = &mut ended.data {
        sum.data_points[0].flags = 1;
    }
    page.put(&[], ended);
    assert!(!page.text().contains("a=\"1\"") && page.text().contains("a=\"2\""));
    page.now += Duration::from_secs(301);
    assert_eq!(page.text(), "");
}
