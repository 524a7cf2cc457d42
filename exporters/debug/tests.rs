use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::number_data_point::Value as Number;
use pipeline::proto::metrics::v1::{Histogram, HistogramDataPoint, NumberDataPoint, Sum};

use super::live::Live;
use super::{Config, Debug, Verbosity};
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

#[test]
fn verbosity_goes_from_one_line_to_everything() {
    let text = |verbosity| {
        let config = Config { verbosity, ..Config::default() };
        Debug { config, live: Live::default().into(), terminal: Default::default() }
            .text(histogram([1, 0, 0], 2))
            .unwrap()
    };
    assert_eq!(text(Verbosity::Basic), "metrics: 1 metric_points\n");
    assert_eq!(text(Verbosity::Normal), "metrics: 1 metric_points\n  wait = count 1, sum 1\n");
    assert!(text(Verbosity::Detailed).contains("\"explicitBounds\""));
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
    let terminal = super::terminal::Terminal::start(Blocked(held)).unwrap();
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
