//! One table of cases through a Collector, real or ours: a pipeline for each case, all of an input fed by one receiver.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use config::{Node, Secrets, Value};
use serde_json::{Map, Value as Json, json};

const PATIENCE: Duration = Duration::from_secs(60);
const CONNECTORS: [&str; 2] = ["count", "span_metrics"];
/// Connectors that hold something.
const FLUSHING: [&str; 1] = ["span_metrics"];

/// A folder below `tests/` with `cases.yaml`, `expected.json` and the inputs; `gates` names feature gates, if there is one.
pub struct Table {
    folder: PathBuf,
    inputs: Vec<Input>,
}

/// A request as JSON, in the file of its name, and what is done to it.
struct Input {
    name: String,
    signal: &'static str,
    body: String,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    kind: String,
    settings: Node,
}

/// What came out, line by line, by input and case.
pub type Answers = Vec<(String, String, Vec<Json>)>;

/// A program that is ended in every case.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that is gone in every case.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn map(node: &Node) -> Vec<(String, Node)> {
    let Value::Map(map) = &node.value else { panic!("no map") };
    map.iter().map(|(key, node)| (key.clone(), node.clone())).collect()
}

impl Table {
    /// Reads the table in this folder.
    pub fn read(folder: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let inputs = map(&config::parse(&text("cases.yaml"), &"cases".into()).unwrap());
        let inputs = inputs.into_iter().map(|(name, cases)| {
            let body = text(&format!("{name}.json"));
            let signals = [
                ("resourceSpans", "traces"),
                ("resourceLogs", "logs"),
                ("resourceMetrics", "metrics"),
                ("resourceProfiles", "profiles"),
            ];
            let (_, signal) = signals.into_iter().find(|(key, _)| body.contains(key)).unwrap();
            let case = |(name, case): (String, Node)| {
                let (kind, settings) = map(&case).remove(0);
                Case { name, kind, settings }
            };
            Input { name, signal, body, cases: map(&cases).into_iter().map(case).collect() }
        });
        Self { inputs: inputs.collect(), folder }
    }

    /// What is expected, by input and case.
    pub fn expected(&self) -> Json {
        serde_json::from_str(&std::fs::read_to_string(self.folder.join("expected.json")).unwrap()).unwrap()
    }

    /// Writes down what is expected, one line for each case.
    pub fn expect(&self, rows: &[(String, String, Json)]) {
        let mut text = String::from("{\n");
        for input in &self.inputs {
            let rows =
                rows.iter().filter(|(of, ..)| *of == input.name).map(|(_, name, row)| format!("  {name:?}: {row}"));
            let _ = writeln!(text, " {:?}: {{\n{}\n }},", input.name, rows.collect::<Vec<_>>().join(",\n"));
        }
        std::fs::write(self.folder.join("expected.json"), format!("{}\n}}\n", text.trim_end().trim_end_matches(',')))
            .unwrap();
    }

    /// Starts the program, sends the inputs, and reads what each case left when it has ended.
    pub fn answers(&self, program: &str) -> Answers {
        let name = self.folder.file_name().unwrap().to_string_lossy().into_owned();
        let folder = std::env::temp_dir().join(format!("kpulse-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let folder = Folder(folder);
        // All are open at once, so that they differ.
        let ports: Vec<_> = self.inputs.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<_> = ports.into_iter().map(|port| port.local_addr().unwrap().port()).collect();
        let file = folder.0.join("config.yaml");
        std::fs::write(&file, self.configuration(&ports, &folder.0)).unwrap();
        let log = std::fs::File::create(folder.0.join("log")).unwrap();
        let mut command = Command::new(program);
        command.env("OTEL_RESOURCE_ATTRIBUTES", "region=env%2Fronment, team = a b");
        command
            .arg(format!("--feature-gates=service.profilesSupport{}", self.gates()))
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut running = Running(command.spawn().unwrap());
        let said = || std::fs::read_to_string(folder.0.join("log")).unwrap_or_default();
        let start = Instant::now();
        while !said().contains("Everything is ready") {
            let ended = running.0.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "it does not start:\n{}", said());
            std::thread::sleep(Duration::from_millis(20));
        }
        for (input, port) in self.inputs.iter().zip(ports) {
            // Fan-out goes through all pipelines before it answers; a case that refuses makes the answer an error.
            let answer = post(port, input.signal, &input.body);
            assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        }
        for (input, case) in self.cases() {
            let file = folder.0.join(id(input, case));
            let start = Instant::now();
            while lines(&file).len() < case.flushes() {
                assert!(start.elapsed() < PATIENCE, "nothing comes of {}:\n{}", case.name, said());
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // SAFETY: the child was not waited for yet, so the id is still its own.
        assert_eq!(unsafe { libc::kill(running.0.id() as i32, libc::SIGTERM) }, 0);
        assert!(running.0.wait().unwrap().success(), "{}", said());
        let read = |input: &Input, case: &Case| {
            let mut lines = lines(&folder.0.join(id(input, case)));
            if case.flushes() > 0 {
                // What is held is handed over again and again: the last time counts.
                lines.drain(..lines.len().saturating_sub(1));
            }
            (input.name.clone(), case.name.clone(), lines)
        };
        self.cases().map(|(input, case)| read(input, case)).collect()
    }

    /// The feature gates that the folder names, behind a comma.
    fn gates(&self) -> String {
        let gates = std::fs::read_to_string(self.folder.join("gates")).unwrap_or_default();
        if gates.is_empty() { gates } else { format!(",{}", gates.trim()) }
    }

    fn cases(&self) -> impl Iterator<Item = (&Input, &Case)> {
        self.inputs.iter().flat_map(|input| input.cases.iter().map(move |case| (input, case)))
    }

    fn configuration(&self, ports: &[u16], folder: &Path) -> String {
        let (mut receivers, mut processors) = (String::from("receivers:\n"), String::from("processors:\n"));
        let (mut connectors, mut exporters) = (String::from("connectors:\n"), String::from("exporters:\n"));
        let mut pipelines = String::from("service:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n");
        for (input, port) in self.inputs.iter().zip(ports) {
            let _ =
                writeln!(receivers, "  otlp/{}: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}", input.name);
            // The last pipeline of each input, so that there is one without cases.
            let path = folder.join(format!("{}_done", input.name));
            let _ = writeln!(exporters, "  file/{}_done: {{path: '{}'}}", input.name, path.display());
            let _ = writeln!(
                pipelines,
                "    {}/{name}_zz: {{receivers: [otlp/{name}], exporters: [file/{name}_done]}}",
                input.signal,
                name = input.name
            );
        }
        for (input, case) in self.cases() {
            let (id, kind, signal) = (id(input, case), &case.kind, input.signal);
            let text = config::to_yaml(&config::Decode::encode(&case.settings, Secrets::Revealed)).unwrap();
            // A dollar is the configuration's, not the statement's.
            let text = text.replace('$', "$$").replace('\n', "\n    ");
            let from = format!("receivers: [otlp/{}]", input.name);
            let path = folder.join(&id);
            let _ = writeln!(exporters, "  file/{id}: {{path: '{}', flush_interval: 50ms}}", path.display());
            if CONNECTORS.contains(&&**kind) {
                let _ = writeln!(connectors, "  {kind}/{id}:\n    {text}");
                let _ = writeln!(pipelines, "    {signal}/{id}: {{{from}, exporters: [{kind}/{id}]}}");
                let _ =
                    writeln!(pipelines, "    metrics/{id}_made: {{receivers: [{kind}/{id}], exporters: [file/{id}]}}");
            } else {
                let _ = writeln!(processors, "  {kind}/{id}:\n    {text}");
                let _ = writeln!(
                    pipelines,
                    "    {signal}/{id}: {{{from}, processors: [{kind}/{id}], exporters: [file/{id}]}}"
                );
            }
        }
        [receivers, processors, connectors, exporters, pipelines].concat()
    }
}

impl Case {
    /// How often it hands over what it holds until that is all, for those that do it now and then.
    fn flushes(&self) -> usize {
        let is_delta = format!("{:?}", self.settings).contains("TEMPORALITY_DELTA");
        match (FLUSHING.contains(&&*self.kind), is_delta) {
            (false, _) => 0,
            (true, true) => 1,
            // The first values of new series may be 0.
            (true, false) => 3,
        }
    }
}

/// The lines of a file that have something in them.
fn lines(file: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // The last line may be under way.
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let lines = whole.map(|line| serde_json::from_str::<Json>(line).unwrap());
    lines.filter(|line| line.as_object().is_some_and(|line| line.values().any(|value| !is_empty(value)))).collect()
}

fn id(input: &Input, case: &Case) -> String {
    format!("{}_{}", input.name, case.name)
}

fn post(port: u16, signal: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let version = if signal == "profiles" { "v1development" } else { "v1" };
    let head = format!(
        "POST /{version}/{signal} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Attributes that a Go map was turned into, and points that it grouped, have another order every time.
pub fn in_order(value: &Json) -> Json {
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

/// All lines as one request, without order, times of now and values that say nothing.
pub fn merged(lines: &[Json]) -> Json {
    let mut all = Map::new();
    for (key, resources) in lines.iter().flat_map(|line| line.as_object().unwrap()) {
        let list = all.entry(key.clone()).or_insert_with(|| json!([])).as_array_mut().unwrap();
        list.extend(resources.as_array().unwrap().iter().cloned());
    }
    bare(&Json::Object(all))
}

fn bare(value: &Json) -> Json {
    match value {
        Json::Array(items) => {
            // The id of a run is another each time.
            let items = items.iter().filter(|item| item["key"] != "collector.instance.id");
            let mut items: Vec<_> = items.map(bare).collect();
            if items.iter().all(Json::is_object) {
                items.sort_by_key(ToString::to_string);
            }
            Json::Array(items)
        }
        Json::Object(map) => {
            let entries = map.iter().filter(|(key, value)| !is_of_now(key, value) && !is_own_scope(key, value));
            let entries = entries.map(|(key, value)| (key.clone(), bare(value)));
            let says = |key: &str, value: &Json| key.ends_with("Value") || !is_empty(value);
            Json::Object(entries.filter(|(key, value)| says(key, value)).collect())
        }
        Json::Number(number) => number.as_f64().map_or(Json::Null, Json::from),
        other => other.clone(),
    }
}

/// Times after all that stand in inputs.
fn is_of_now(key: &str, value: &Json) -> bool {
    let nanoseconds = value.as_str().and_then(|text| text.parse::<u64>().ok());
    key.ends_with("UnixNano") && nanoseconds.is_some_and(|nanoseconds| nanoseconds > 1_750_000_000_000_000_000)
}

/// The scope of a connector, which names the program that it is of.
fn is_own_scope(key: &str, value: &Json) -> bool {
    let name = value["name"].as_str().unwrap_or_default();
    key == "scope" && (name.starts_with("kpulse/") || name.contains("/connector/") || name == "spanmetricsconnector")
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        Json::String(text) => text.is_empty() || text == "0",
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::Bool(truth) => !truth,
    }
}
