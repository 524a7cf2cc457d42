//! The table of OTTL cases against a real Collector, whose program `COLLECTOR` names: one pipeline for each case, all fed
//! by one receiver. `UPDATE_OTTL=1` writes its answers down.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use config::{Node, Secrets, Value};
use serde_json::{Map, Value as Json, json};

const PATIENCE: Duration = Duration::from_secs(60);
const SIGNALS: [&str; 3] = ["logs", "traces", "metrics"];

fn table(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ottl");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A program that is ended in every case.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The cases of a signal: name, kind of processor, its settings.
fn cases(signal: &str) -> Vec<(String, String, Node)> {
    let cases = config::parse(&table("cases.yaml"), &"cases".into()).unwrap();
    let Some(Value::Map(rows)) = cases.get(signal).map(|rows| rows.value.clone()) else { return Vec::new() };
    let row = |(name, row): (String, Node)| match row.value {
        Value::Map(row) => {
            let (kind, settings) = row.into_iter().next().unwrap();
            (name, kind, settings)
        }
        _ => panic!("{name} is no case"),
    };
    rows.into_iter().map(row).collect()
}

fn configuration(port: u16, folder: &Path) -> String {
    let mut receivers = format!("receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}}}\n");
    let (mut processors, mut exporters) = (String::from("processors:\n"), String::from("exporters:\n"));
    let mut pipelines = String::from("service:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n");
    for signal in SIGNALS {
        for (name, kind, settings) in cases(signal) {
            let id = format!("{signal}_{name}");
            let text = config::to_yaml(&config::Decode::encode(&settings, Secrets::Revealed)).unwrap();
            // A dollar is the configuration's, not the statement's.
            let text = text.replace('$', "$$").replace('\n', "\n    ");
            let _ = writeln!(processors, "  {kind}/{id}:\n    {text}");
            let path = folder.join(&id);
            let _ = writeln!(exporters, "  file/{id}: {{path: '{}', flush_interval: 50ms}}", path.display());
            let _ = writeln!(
                pipelines,
                "    {signal}/{id}: {{receivers: [otlp], processors: [{kind}/{id}], exporters: [file/{id}]}}"
            );
        }
        let _ = writeln!(
            exporters,
            "  file/{signal}_done: {{path: '{}'}}",
            folder.join(format!("{signal}_done")).display()
        );
        let _ = writeln!(pipelines, "    {signal}/zz_done: {{receivers: [otlp], exporters: [file/{signal}_done]}}");
    }
    for part in [processors, exporters, pipelines] {
        receivers += &part;
    }
    receivers
}

fn post(port: u16, signal: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /v1/{signal} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Starts it, sends the inputs, and reads what each case left when it has ended.
fn answers(program: &str, folder: &Path) -> Map<String, Json> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = folder.join("config.yaml");
    std::fs::write(&file, configuration(port, folder)).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut command = Command::new(program);
    command.arg("--config").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut running = Running(command.spawn().unwrap());
    let said = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let start = Instant::now();
    while !said().contains("Everything is ready") {
        let ended = running.0.try_wait().unwrap();
        assert!(ended.is_none() && start.elapsed() < PATIENCE, "it does not start:\n{}", said());
        std::thread::sleep(Duration::from_millis(20));
    }
    for signal in SIGNALS.into_iter().filter(|signal| !cases(signal).is_empty()) {
        // Fan-out goes through all pipelines before it answers; a case that refuses makes the answer an error.
        let answer = post(port, signal, &table(&format!("{signal}.json")));
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }
    // SAFETY: the child was not waited for yet, so the id is still its own.
    assert_eq!(unsafe { libc::kill(running.0.id() as i32, libc::SIGTERM) }, 0);
    assert!(running.0.wait().unwrap().success(), "{}", said());
    let mut answers = Map::new();
    for signal in SIGNALS {
        let read = |name: &str| {
            let text = std::fs::read_to_string(folder.join(format!("{signal}_{name}"))).unwrap_or_default();
            text.lines().next().map_or(json!({}), |line| serde_json::from_str(line).unwrap())
        };
        let rows = cases(signal).into_iter().map(|(name, ..)| (name.clone(), read(&name)));
        answers.insert(signal.to_owned(), Json::Object(rows.collect()));
    }
    answers
}

/// Attributes that a Go map was turned into, and points that it grouped, have another order every time.
fn in_order(value: &Json) -> Json {
    match value {
        Json::Array(items) => {
            let mut items: Vec<_> = items.iter().map(in_order).collect();
            let is_set = |item: &Json| item.get("key").is_some() || item.get("timeUnixNano").is_some();
            if items.iter().all(is_set) {
                items.sort_by_key(ToString::to_string);
            }
            Json::Array(items)
        }
        Json::Object(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), in_order(value))).collect()),
        other => other.clone(),
    }
}

#[test]
#[ignore = "needs a real Collector: tests/e2e/check_ottl_as_collector.sh"]
fn the_table_is_what_a_real_collector_does() {
    let program = std::env::var("COLLECTOR").unwrap();
    let folder = std::env::temp_dir().join(format!("kpulse-ottl-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let got = answers(&program, &folder);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/ottl/expected.json");
    if std::env::var_os("UPDATE_OTTL").is_some() {
        let mut text = String::from("{\n");
        for (signal, rows) in &got {
            let rows = rows.as_object().unwrap().iter().map(|(name, row)| format!("  {name:?}: {row}"));
            let _ = writeln!(text, " {signal:?}: {{\n{}\n }},", rows.collect::<Vec<_>>().join(",\n"));
        }
        std::fs::write(&path, format!("{}\n}}\n", text.trim_end().trim_end_matches(','))).unwrap();
    }
    let expected: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut count = 0;
    for (signal, rows) in &got {
        for (name, row) in rows.as_object().unwrap() {
            assert_eq!(in_order(row), in_order(&expected[signal][name]), "{signal} {name}");
            count += 1;
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(count >= 200, "{count} cases");
    eprintln!("ottl: {count} cases as the real Collector");
}
