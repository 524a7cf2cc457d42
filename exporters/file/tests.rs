use pipeline::component::ExporterConfig;
use pipeline::otlp::{json, schema};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::{Gauge, NumberDataPoint};
use pipeline::{RejectedKind, Tasks};

use super::groups::GroupBy;
use super::message::Framing;
use super::rotation::Rotation;
use super::writer::Writer;
use super::{Config, Format, Section};
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

fn grouping(folder: &Folder, max_open_files: u32) -> Config {
    let group_by = GroupBy { enabled: true, resource_attribute: "team".into(), max_open_files };
    Config { path: format!("{}/*.jsonl", folder.0.display()), group_by, ..Config::default() }
}

/// A point for each team; those of nobody have another attribute.
fn of_teams(teams: &[&str]) -> pipeline::Batch {
    let gauge = || Gauge { data_points: vec![NumberDataPoint::default()] };
    let one = |team: &&str| {
        let key = if team.is_empty() { "other" } else { "team" };
        metrics(vec![attribute(key, team)], vec![metric("m", "1", Data::Gauge(gauge()))])
    };
    pipeline::Batch::concat(teams.iter().map(one).collect(), Default::default()).unwrap()
}

fn lines(folder: &Folder, file: &str) -> usize {
    std::fs::read_to_string(folder.0.join(file)).unwrap().lines().count()
}

#[tokio::test]
async fn each_value_of_the_attribute_gets_a_file_and_what_has_none_is_counted() {
    let folder = Folder::new("groups");
    let cx = context();
    let telemetry = cx.telemetry.clone();
    let exporter = grouping(&folder, 100).build(cx).unwrap();
    exporter.start(&mut Tasks::default()).await.unwrap();
    exporter.send(of_teams(&["a", "b", "a", "", "../../out", "deep/er"])).await.unwrap();
    exporter.send(of_teams(&["b"])).await.unwrap();
    assert_eq!((lines(&folder, "a.jsonl"), lines(&folder, "b.jsonl")), (1, 2));
    assert_eq!((lines(&folder, "out.jsonl"), lines(&folder, "deep/er.jsonl")), (1, 1));
    let line = std::fs::read_to_string(folder.0.join("a.jsonl")).unwrap();
    let wire = json::read(&schema::METRICS_REQUEST, line.trim_end().as_bytes()).unwrap();
    assert_eq!(pipeline::otlp::walk(&schema::METRICS_REQUEST, &wire), Ok(2), "both of team a are in one line");
    exporter.send(of_teams(&["a\0b", &"x".repeat(300), "c"])).await.unwrap();
    assert_eq!(lines(&folder, "c.jsonl"), 1);
    assert_eq!(dropped(&telemetry), [("no_attribute".to_owned(), 1), ("no_file_name".to_owned(), 2)]);
}

/// What the exporter says it dropped, by reason.
fn dropped(telemetry: &pipeline::Telemetry) -> Vec<(String, i64)> {
    let snapshot = telemetry.snapshot().unwrap();
    let scopes = snapshot.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    let mut found = scopes.flat_map(|scope| scope.metrics).filter(|m| m.name == "kpulse_exporter_dropped_items");
    let Some(Data::Sum(sum)) = found.next().unwrap().data else { panic!("not a sum") };
    let reason = |point: &NumberDataPoint| {
        let value = point.attributes.iter().find(|one| one.key == "reason").unwrap().value.clone().unwrap();
        let Some(pipeline::proto::common::v1::any_value::Value::StringValue(text)) = value.value else { panic!() };
        let Some(pipeline::proto::metrics::v1::number_data_point::Value::AsInt(count)) = point.value else { panic!() };
        (text, count)
    };
    let mut reasons: Vec<_> = sum.data_points.iter().map(reason).collect();
    reasons.sort();
    reasons
}

#[tokio::test]
async fn a_file_that_was_closed_for_another_goes_on_and_a_new_run_begins_anew() {
    let folder = Folder::new("one-open");
    for _ in 0..2 {
        let exporter = grouping(&folder, 1).build(context()).unwrap();
        exporter.start(&mut Tasks::default()).await.unwrap();
        for team in ["a", "b", "a", "b", "a"] {
            exporter.send(of_teams(&[team])).await.unwrap();
        }
        assert_eq!((lines(&folder, "a.jsonl"), lines(&folder, "b.jsonl")), (3, 2));
    }
}

#[tokio::test]
async fn what_a_disk_does_not_take_comes_back_and_the_rest_is_written() {
    let folder = Folder::new("some-fail");
    std::fs::create_dir_all(&folder.0).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.0.join("full.jsonl")).unwrap();
    let exporter = grouping(&folder, 100).build(context()).unwrap();
    exporter.start(&mut Tasks::default()).await.unwrap();
    let rejected = exporter.send(of_teams(&["full", "a", "full", "b"])).await.unwrap_err();
    assert_eq!((rejected.kind, rejected.items(4)), (RejectedKind::Retryable, 2));
    assert_eq!((lines(&folder, "a.jsonl"), lines(&folder, "b.jsonl")), (1, 1));
}

#[test]
fn a_stream_of_frames_reads_as_one_file_and_a_torn_frame_is_cut_off() {
    let folder = Folder::new("streams");
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("x.zst");
    let config = Config { compression: "zstd".into(), ..Config::default() };
    let mut message = b"of before".to_vec();
    config.frame(&batch(), Framing::Streams, &mut message).unwrap();
    let empty = zstd::encode_all(&b""[..], 0).unwrap();
    let large = zstd::encode_all(&vec![b'x'; 1 << 20][..], 0).unwrap();
    let whole = [&message[..], &empty, &large].concat();
    for torn in [0, 3, 4, 6, message.len() - 1] {
        std::fs::write(&path, [&whole, &message[..torn]].concat()).unwrap();
        Writer::open(&path, Framing::Streams, true, None).unwrap().write(&message).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [&whole, &message[..]].concat(), "{torn}");
    }
    let text = zstd::decode_all(&std::fs::read(&path).unwrap()[..]).unwrap();
    assert!(text.ends_with(b"}\n") && text.iter().filter(|byte| **byte == b'\n').count() == 2);
    std::fs::write(&path, "no zstd").unwrap();
    let error = Writer::open(&path, Framing::Streams, true, None).unwrap_err();
    assert!(error.to_string().contains("no zstd frame begins at byte 0"), "{error}");
}
