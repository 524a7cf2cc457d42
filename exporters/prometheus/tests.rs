use std::time::{Duration, Instant};

use pipeline::proto::MetricsRequest;
use pipeline::proto::metrics::v1::exponential_histogram_data_point::Buckets;
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::*;

use super::format::Format;
use super::names::{self, Kind, Naming, Suffixes};
use super::series::{Dropped, Store};
use super::{Config, ResourceLabels, Strategy};
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
        assert_eq!(names::metric(name, unit, kind, "", naming(true, false)).as_deref(), Some(wanted));
    }
    assert_eq!(names::metric("é", "", Kind::Gauge, "", naming(true, false)), None);
    for (name, wanted) in [("a.b", "a_b"), ("1a", "key_1a"), ("_a", "_a"), ("__a", "__a"), ("é", "key__")] {
        assert_eq!(names::label(name, false), wanted);
    }
}

fn naming(suffixes: bool, utf8: bool) -> Naming {
    Naming { suffixes: Suffixes::all(suffixes), utf8 }
}

#[test]
fn names_follow_the_strategy() {
    let rows = [
        ("a__b..c_", "%", Kind::Gauge, (false, false), "app_a__b_c_"),
        ("a__b..c_", "%", Kind::Gauge, (true, false), "app_a_b_c_percent"),
        ("a__b..c_", "%", Kind::Gauge, (true, true), "app_a__b..c__percent"),
        ("a__b..c_", "%", Kind::Gauge, (false, true), "app_a__b..c_"),
        ("foo.total", "By/s", Kind::Counter, (true, true), "app_foo_bytes_per_second_total"),
        ("foo.total", "By/s", Kind::Counter, (true, false), "app_foo_bytes_per_second_total"),
        ("used.ratio", "1", Kind::Gauge, (true, true), "app_used_ratio"),
        ("wait.seconds", "s", Kind::Distribution, (true, true), "app_wait.seconds"),
    ];
    for (name, unit, kind, (suffixes, utf8), wanted) in rows {
        assert_eq!(names::metric(name, unit, kind, "app", naming(suffixes, utf8)).as_deref(), Some(wanted));
    }
    assert_eq!((names::escaped("2nd.try:x", true), names::escaped("a:b", false)), ("_nd_try:x".into(), "a_b".into()));
}

#[test]
fn a_histogram_with_other_counts_than_bounds_still_ends_with_everything() {
    for (counts, lines) in [
        (vec![], ["le=\"1\"} 0", "le=\"+Inf\"} 5"]),
        (vec![2], ["le=\"1\"} 2", "le=\"+Inf\"} 5"]),
        (vec![2, 1, 1, 1], ["le=\"1\"} 2", "le=\"+Inf\"} 5"]),
    ] {
        let mut page = Page::new(Config::default());
        let point =
            HistogramDataPoint { count: 5, bucket_counts: counts, explicit_bounds: vec![1.0], ..Default::default() };
        page.put(
            &[],
            metric("wait", "s", Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: 2 })),
        );
        let text = page.text();
        assert_eq!(text.matches("_bucket").count(), 2, "{text}");
        assert!(lines.iter().all(|line| text.contains(&format!("wait_seconds_bucket{{{line}\n"))), "{text}");
    }
}

#[test]
fn series_are_forgotten_also_where_nobody_scrapes() {
    let mut page = Page::new(Config { metric_expiration: Duration::from_secs(60), ..Config::default() });
    for pod in 0..10 {
        page.put(&[("service.name", &format!("pod-{pod}"))], counter(1, 1, &[("pod", &pod.to_string())]));
        page.now += Duration::from_secs(50);
    }
    let kept: usize = page.store.families.values().map(|family| family.series.len()).sum();
    assert!(kept <= 4 && page.store.targets.len() <= 4, "{kept} series, {} targets", page.store.targets.len());
}

#[test]
fn deltas_add_up_while_one_begins_where_the_last_ended() {
    let mut page = Page::new(Config::default());
    let sum = |start, time, value| {
        let point = NumberDataPoint { start_time_unix_nano: start, time_unix_nano: time, value, ..Default::default() };
        metric(
            "reads",
            "By",
            Data::Sum(Sum { data_points: vec![point], aggregation_temporality: 1, is_monotonic: true }),
        )
    };
    page.put(&[], sum(0, 10, Some(Number::AsInt(2))));
    page.put(&[], sum(10, 20, Some(Number::AsDouble(3.5))));
    assert!(page.text().contains("reads_bytes_total 5.5\n"), "{}", page.text());
    page.put(&[], sum(30, 40, Some(Number::AsInt(1))));
    assert!(page.text().contains("reads_bytes_total 1\n"), "{}", page.text());

    let histogram = |start, time, bounds: &[f64]| {
        let point = HistogramDataPoint {
            start_time_unix_nano: start,
            time_unix_nano: time,
            bucket_counts: vec![1; bounds.len() + 1],
            explicit_bounds: bounds.to_vec(),
            sum: Some(2.0),
            ..Default::default()
        };
        metric("wait", "s", Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: 1 }))
    };
    page.put(&[], histogram(0, 10, &[1.0]));
    page.put(&[], histogram(10, 20, &[1.0]));
    assert!(page.text().contains("wait_seconds_sum 4\nwait_seconds_count 4\n"), "{}", page.text());
    page.put(&[], histogram(15, 30, &[1.0]));
    assert_eq!(page.dropped, [Dropped::Overlaps]);
    page.put(&[], histogram(20, 30, &[1.0, 2.0]));
    assert!(page.text().contains("wait_seconds_count 3\n"), "{}", page.text());
}

#[test]
fn open_metrics_has_exemplars_where_a_trace_is_named() {
    let mut page = Page::new(Config { enable_open_metrics: true, send_timestamps: true, ..Config::default() });
    let exemplar = |value, id: &[u8]| Exemplar {
        value: Some(exemplar::Value::AsDouble(value)),
        trace_id: id.to_vec(),
        time_unix_nano: 1_700_000_030_500_000_000,
        ..Exemplar::default()
    };
    let point = HistogramDataPoint {
        time_unix_nano: 1_700_000_060_000_000_000,
        bucket_counts: vec![1, 2],
        explicit_bounds: vec![1.0],
        exemplars: vec![exemplar(0.5, &[1; 16]), exemplar(0.75, &[2; 16]), exemplar(7.0, &[])],
        sum: Some(2.0),
        ..Default::default()
    };
    page.put(
        &[],
        metric("wait", "s", Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: 2 })),
    );
    page.put(&[], counter(3, 1_700_000_060_000_000_000, &[]));
    let open = Format::asked_for("application/openmetrics-text;version=1.0.0", true);
    let text = page.store.page_in(page.now, open).text;
    for line in [
        "# TYPE reads_bytes counter\nreads_bytes_total 3.0 1700000060.000\n",
        "wait_seconds_bucket{le=\"1.0\"} 1 1700000060.000 # {trace_id=\"02020202020202020202020202020202\"} 0.75 1700000030.500\n",
        "wait_seconds_bucket{le=\"+Inf\"} 3 1700000060.000\n",
        "\n# EOF\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!page.text().contains("trace_id"), "Prometheus' own format has none");
}

#[test]
fn a_scraper_gets_what_it_likes_best_of_what_there_is() {
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                      application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    for (accept, open, said) in [
        ("", true, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
        (prometheus, false, "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"),
        (prometheus, true, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
        (
            "text/plain, application/openmetrics-text;q=0.9",
            true,
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
        ),
        (
            "application/openmetrics-text",
            true,
            "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores",
        ),
    ] {
        assert_eq!(Format::asked_for(accept, open).content_type(), said, "{accept}");
    }
}

#[test]
fn names_that_are_not_plain_stand_in_quotes_where_a_scraper_takes_them() {
    let strategy = Some(Strategy::NoTranslation);
    let mut page =
        Page::new(Config { translation_strategy: strategy, namespace: "my.app".into(), ..Config::default() });
    page.put(
        &[("service.name", "s"), ("a.b", "c"), ("a_b", "d")],
        metric("x.y", "s", Data::Gauge(Gauge { data_points: vec![gauge_point(1.0)] })),
    );
    let quoted = page.store.page_in(page.now, Format::asked_for("text/plain;escaping=allow-utf-8", false)).text;
    assert!(quoted.contains("# TYPE \"my.app_x.y\" gauge\n{\"my.app_x.y\",job=\"s\"} 1\n"), "{quoted}");
    assert!(quoted.contains("{\"my.app_target_info\",\"a.b\"=\"c\",a_b=\"d\",job=\"s\"} 1\n"), "{quoted}");
    assert!(page.text().contains("# TYPE my_app_x_y gauge\nmy_app_x_y{job=\"s\"} 1\n"), "{}", page.text());
    assert!(page.text().contains("my_app_target_info{a_b=\"c;d\",job=\"s\"} 1\n"), "{}", page.text());
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
    let apart = two(Config {
        resource_to_telemetry_conversion: ResourceLabels { enabled: true, ..ResourceLabels::default() },
        ..Config::default()
    });
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
    let delta = Data::Sum(Sum { data_points: vec![point], aggregation_temporality: 1, is_monotonic: false });
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
