use pipeline::component::ExporterConfig;
use pipeline::otlp::{json, schema};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::{Gauge, NumberDataPoint};
use pipeline::{RejectedKind, Tasks};

use super::{Config, Writer};
use crate::tests::{attribute, context, metric, metrics};

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("kpulse-file-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn batch() -> pipeline::Batch {
    let gauge = Gauge { data_points: vec![NumberDataPoint::default()] };
    metrics(vec![attribute("host.name", "h")], vec![metric("m", "1", Data::Gauge(gauge))])
}

#[tokio::test]
async fn every_batch_is_one_line_that_reads_back_as_the_same_request() {
    let folder = Folder::new("lines");
    let path = folder.0.join("deep/x.jsonl");
    let config = Config { path: path.display().to_string(), create_directory: true, ..Config::default() };
    let exporter = config.build(context()).unwrap();
    exporter.start(&mut Tasks::default()).await.unwrap();
    for _ in 0..3 {
        exporter.send(batch()).await.unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3);
    for line in text.lines() {
        let wire = json::read(&schema::METRICS_REQUEST, line.as_bytes()).unwrap();
        assert_eq!(pipeline::otlp::walk(&schema::METRICS_REQUEST, &wire), Ok(1));
    }
}

#[tokio::test]
async fn a_missing_directory_fails_the_start_with_the_path() {
    let config = Config { path: "/nonexistent-kpulse/x".into(), ..Config::default() };
    let error = config.build(context()).unwrap().start(&mut Tasks::default()).await.unwrap_err();
    assert!(error.to_string().starts_with("/nonexistent-kpulse/x: "), "{error}");
}

#[test]
fn a_torn_last_line_is_closed_when_appending() {
    let folder = Folder::new("torn");
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("x");
    std::fs::write(&path, "{\"whole\":1}\n{\"to").unwrap();
    Writer::open(&path, true, false).unwrap().write(b"{}\n").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"whole\":1}\n{\"to\n{}\n");
}

#[tokio::test]
async fn a_full_disk_is_retryable_and_leaves_no_half_line() {
    let config = Config { path: "/dev/full".into(), append: true, ..Config::default() };
    let exporter = config.build(context()).unwrap();
    exporter.start(&mut Tasks::default()).await.unwrap();
    let rejected = exporter.send(batch()).await.unwrap_err();
    assert_eq!(rejected.kind, RejectedKind::Retryable);
}
