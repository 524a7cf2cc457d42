use pipeline::component::ExporterConfig;
use pipeline::otlp::{json, schema};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::{Gauge, NumberDataPoint};
use pipeline::{RejectedKind, Tasks};

use super::rotation::Rotation;
use super::{Config, Format, Framing, Section, Writer};
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
    Writer::open(&path, Framing::Lines, true, None).unwrap().write(b"{}\n").unwrap();
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

#[tokio::test]
async fn frames_are_lengths_and_contents_and_each_is_compressed_on_its_own() {
    for (format, compression) in [(Format::Proto, ""), (Format::Proto, "zstd"), (Format::Json, "zstd")] {
        let folder = Folder::new(&format!("frames-{format:?}-{compression}"));
        let path = folder.0.join("x");
        let config = Config {
            path: path.display().to_string(),
            create_directory: true,
            format,
            compression: compression.into(),
            ..Config::default()
        };
        let exporter = config.build(context()).unwrap();
        exporter.start(&mut Tasks::default()).await.unwrap();
        exporter.send(batch()).await.unwrap();
        exporter.send(batch()).await.unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (mut rest, mut found) = (&bytes[..], 0);
        while let Some((header, tail)) = rest.split_first_chunk::<4>() {
            let (content, tail) = tail.split_at(u32::from_be_bytes(*header) as usize);
            let content = if compression.is_empty() { content.to_vec() } else { zstd::decode_all(content).unwrap() };
            let wire = match format {
                Format::Proto => content,
                Format::Json => json::read(&schema::METRICS_REQUEST, &content).unwrap(),
            };
            assert_eq!(pipeline::otlp::walk(&schema::METRICS_REQUEST, &wire), Ok(1));
            (rest, found) = (tail, found + 1);
        }
        assert_eq!((rest.len(), found), (0, 2));
    }
}

#[test]
fn a_torn_last_frame_is_cut_off_when_appending() {
    let folder = Folder::new("torn-frame");
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("x");
    std::fs::write(&path, b"\0\0\0\x02ab\0\0\0\x05cd").unwrap();
    Writer::open(&path, Framing::Lengths, true, None).unwrap().write(b"\0\0\0\x01e").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"\0\0\0\x02ab\0\0\0\x01e");
}

#[test]
fn full_files_are_moved_away_and_only_so_many_are_kept() {
    let folder = Folder::new("rotation");
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("x.jsonl");
    std::fs::write(folder.0.join("x-other.jsonl"), "").unwrap();
    let rotation = Rotation { max_megabytes: 1, max_backups: 2, ..Rotation::default() };
    let mut writer = Writer::open(&path, Framing::Lines, false, Some(rotation.clone())).unwrap();
    let line = [vec![b'x'; 600 << 10], b"\n".to_vec()].concat();
    for _ in 0..5 {
        writer.write(&line).unwrap();
    }
    let mut names: Vec<_> = std::fs::read_dir(&folder.0).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), 2 + 2, "{names:?}");
    for name in names.iter().filter(|name| !name.ends_with("x-other.jsonl")) {
        assert_eq!(std::fs::metadata(name).unwrap().len(), line.len() as u64);
    }
    drop(writer);
    Writer::open(&path, Framing::Lines, false, Some(rotation)).unwrap().write(b"more\n").unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), line.len() as u64 + 5, "a rotated file goes on");
    let config = Config { append: true, rotation: Section::on(), path: "x".into(), ..Config::default() };
    let mut decoder = config::Decoder::default();
    config::Decode::validate(&config, &mut decoder);
    assert_eq!(decoder.finish().to_string(), "append: cannot be used with rotation, which always appends");
}
