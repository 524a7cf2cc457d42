use pipeline::proto::ProfilesRequest;
use pipeline::proto::common::v1::{AnyValue, any_value::Value};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{Histogram, HistogramDataPoint, NumberDataPoint, Sum};
use pipeline::proto::profiles::v1development::{
    Function, KeyValueAndUnit, Line, Location, Profile, ProfilesDictionary, ResourceProfiles, Sample, ScopeProfiles,
    Stack,
};

use super::live::Live;
use super::sampler::Sampler;
use super::{Config, Debug, State, Verbosity, go};
use crate::tests::{attribute, metric, metrics};

fn histogram(counts: [u64; 3], time_s: u64) -> pipeline::Batch {
    let point = HistogramDataPoint {
        start_time_unix_nano: 1_000_000_000,
        time_unix_nano: time_s * 1_000_000_000,
        count: counts.iter().sum(),
        sum: Some(1.0),
        bucket_counts: counts.to_vec(),
        explicit_bounds: vec![0.001, 0.002],
        ..HistogramDataPoint::default()
    };
    let data = Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: 2 });
    metrics(vec![attribute("host.name", "h")], vec![metric("wait", "s", data)])
}

#[test]
fn live_shows_what_came_since_the_last_time_and_bounds_instead_of_guesses() {
    let mut live = Live::default();
    let first = live.lines(&mut histogram([10, 0, 0], 11)).unwrap();
    assert_eq!(first, "00:00:11.000Z metric wait 10 in 10.0s, p50 <= 1.0ms, p99 <= 1.0ms, max <= 1.0ms\n");
    let second = live.lines(&mut histogram([10, 5, 1], 12)).unwrap();
    assert_eq!(second, "00:00:12.000Z metric wait 6 in 1.0s, p50 <= 2.0ms, p99 > 2.0ms, max > 2.0ms\n");
    assert!(live.lines(&mut histogram([10, 5, 1], 13)).unwrap().contains("nothing in 1.0s"));
}

#[test]
fn live_shows_who_was_on_the_cpus_most_and_where() {
    let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let function = |name_strindex| Function { name_strindex, ..Function::default() };
    let location =
        |function_index| Location { lines: vec![Line { function_index, ..Line::default() }], ..Location::default() };
    let process = |name: &str| KeyValueAndUnit {
        key_strindex: 1,
        value: Some(AnyValue { value: Some(Value::StringValue(name.into())) }),
        unit_strindex: 0,
    };
    let stack = |places: &[i32]| Stack { location_indices: places.to_vec() };
    let dictionary = ProfilesDictionary {
        string_table: text(&["", "process.executable.name", "hash", "main"]),
        attribute_table: vec![KeyValueAndUnit::default(), process("web"), process("sh")],
        function_table: vec![Function::default(), function(2), function(3)],
        location_table: vec![Location::default(), location(1), location(2)],
        stack_table: vec![Stack::default(), stack(&[1, 2]), stack(&[2])],
        ..ProfilesDictionary::default()
    };
    let sample = |stack_index, process, times| Sample {
        stack_index,
        attribute_indices: vec![process],
        values: vec![times],
        ..Sample::default()
    };
    let profile = Profile {
        time_unix_nano: 5_000_000_000,
        duration_nano: 10_000_000_000,
        samples: vec![sample(1, 1, 6), sample(2, 1, 1), sample(2, 2, 2), sample(0, 0, 1)],
        ..Profile::default()
    };
    let scoped = ScopeProfiles { profiles: vec![profile, Profile::default()], ..ScopeProfiles::default() };
    let resource = ResourceProfiles { scope_profiles: vec![scoped], ..ResourceProfiles::default() };
    let request = ProfilesRequest { resource_profiles: vec![resource], dictionary: Some(dictionary) };
    let mut batch = pipeline::Batch::new(request, std::sync::Arc::default());
    assert_eq!(
        Live::default().lines(&mut batch).unwrap(),
        "00:00:05.000Z profile 10 in 10.0s, 70 % web, 20 % sh, 10 % ?; at 60 % hash, 30 % main, 10 % ?\n"
    );
}

#[test]
fn live_shows_one_line_for_a_counter_with_many_series() {
    let counter = |value: f64, time_s: u64| {
        let point = |mode: &str| NumberDataPoint {
            attributes: vec![attribute("cpu.mode", mode)],
            time_unix_nano: time_s * 1_000_000_000,
            value: Some(Number::AsDouble(value)),
            ..NumberDataPoint::default()
        };
        let data_points = vec![point("user"), point("idle")];
        let data = Data::Sum(Sum { data_points, aggregation_temporality: 2, is_monotonic: true });
        metrics(vec![], vec![metric("system.cpu.time", "s", data)])
    };
    let mut live = Live::default();
    assert_eq!(
        live.lines(&mut counter(1.0, 1)).unwrap(),
        "00:00:01.000Z metric system.cpu.time 2 s so far (2 series)\n"
    );
    assert_eq!(
        live.lines(&mut counter(6.25, 11)).unwrap(),
        "00:00:11.000Z metric system.cpu.time +10.5 s in 10.0s (2 series)\n"
    );
}

fn lines(config: Config, batches: &mut [pipeline::Batch]) -> Vec<String> {
    let state =
        State { live: Live::default(), sampler: Sampler::new(config.sampling_initial, config.sampling_thereafter) };
    let output = config.output(&crate::tests::context());
    let debug = Debug { format: config.format, verbosity: config.verbosity, state: state.into(), output };
    batches.iter_mut().flat_map(|batch| debug.lines(batch).unwrap()).collect()
}

#[test]
fn verbosity_goes_from_counts_to_everything() {
    let text = |verbosity| lines(Config { verbosity, ..Config::default() }, &mut [histogram([1, 0, 0], 2)]);
    let counts = "Metrics\t{\"resource metrics\": 1, \"metrics\": 1, \"data points\": 1}";
    assert_eq!(text(Verbosity::Basic), [counts]);
    let items = "ResourceMetrics #0 host.name=h\nScopeMetrics #0\nwait{} count=1 sum=1 le0.001=1 le0.002=0 0\n";
    assert_eq!(text(Verbosity::Normal), [counts, items]);
    assert!(text(Verbosity::Detailed)[1].contains("\nExplicitBounds #1: 0.002000\nBuckets #0, Count: 1\n"));
}

#[test]
fn equal_lines_are_sampled_in_every_second_and_others_are_not() {
    let config =
        Config { verbosity: Verbosity::Normal, sampling_initial: 1, sampling_thereafter: 3, ..Config::default() };
    let mut batches: Vec<_> = (2..=9).map(|count| histogram([count, 0, 0], 2)).collect();
    let shown = lines(config, &mut batches);
    // Of eight equal headlines the first, the fourth and the seventh; every text is another one.
    assert_eq!(shown.iter().filter(|line| line.starts_with("Metrics")).count(), 3);
    assert_eq!(shown.len(), 11);
    let mut sampler = Sampler::new(0, 0);
    assert!(!sampler.shows("x", std::time::Instant::now()));
}

#[test]
fn numbers_and_times_are_printed_as_go_does() {
    let shortest = [0.0, 1e5, 123_456.0, 1_234_567.0, 0.0001, 0.000_012_5, 1e21, -1.5, f64::NAN, f64::INFINITY];
    let wanted = ["0", "100000", "123456", "1.234567e+06", "0.0001", "1.25e-05", "1e+21", "-1.5", "NaN", "+Inf"];
    assert_eq!(shortest.map(go::shortest), wanted);
    assert_eq!(go::time(1_700_000_000_120_000_000), "2023-11-14 22:13:20.12 +0000 UTC");
    assert_eq!(go::time(0), "1970-01-01 00:00:00 +0000 UTC");
}

/// A reader that went away for ever.
struct Blocked(std::sync::mpsc::Receiver<()>);

impl std::io::Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_terminal_that_is_not_read_costs_lines_and_not_the_pipeline() {
    let (release, held) = std::sync::mpsc::channel();
    let terminal = super::terminal::Terminal::start("stdout", Blocked(held)).unwrap();
    let mut rejected = 0;
    for _ in 0..1000 {
        rejected += u32::from(terminal.send("line\n".into()).await.is_err());
    }
    // One is with the writer, 256 wait.
    assert!((740..=744).contains(&rejected), "{rejected}");
    drop(release);
    terminal.finish().await;
    assert!(terminal.send("late\n".into()).await.is_err());
}
