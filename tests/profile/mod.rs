//! Profiles as people read them, and programs whose profile is known.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::agent::Agent;

/// One sample with everything it names.
#[derive(Debug)]
pub struct Sample {
    pub resource: Vec<(String, String)>,
    pub attributes: Vec<(String, String)>,
    pub frames: Vec<Frame>,
    pub count: i64,
    pub period_ns: i64,
}

/// One location.
#[derive(Debug)]
pub struct Frame {
    pub kind: String,
    pub file: String,
    pub mapping: Vec<(String, String)>,
    pub address: u64,
    pub range: (u64, u64),
    /// Innermost first.
    pub functions: Vec<String>,
}

impl Sample {
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }

    pub fn resource(&self, key: &str) -> Option<&str> {
        self.resource.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub fn is_of(&self, pid: u32) -> bool {
        self.attribute("process.pid") == pid.to_string()
    }

    /// Every function of the stack, innermost first.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.frames.iter().flat_map(|frame| frame.functions.iter().map(String::as_str))
    }

    /// The index of a function in the stack whose name ends so.
    pub fn depth_of(&self, name: &str) -> Option<usize> {
        self.functions().position(|function| function == name || function.ends_with(&format!("::{name}")))
    }
}

/// Every sample that the agent's file exporter wrote so far.
pub fn samples(agent: &Agent) -> Vec<Sample> {
    agent.lines().iter().filter(|line| line["resourceProfiles"].is_array()).flat_map(of_request).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0)
}

fn unsigned(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0)
}

/// Any scalar as text.
fn text(value: &Value) -> String {
    let scalar = value.as_object().and_then(|value| value.values().next()).cloned().unwrap_or_default();
    scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned)
}

struct Reader<'a>(&'a Value);

impl Reader<'_> {
    fn entry(&self, table: &str, index: &Value) -> &Value {
        &self.0[table][usize::try_from(number(index)).unwrap()]
    }

    fn string(&self, index: &Value) -> String {
        self.entry("stringTable", index).as_str().unwrap_or_default().to_owned()
    }

    fn attributes(&self, indices: &[Value]) -> Vec<(String, String)> {
        let entries = indices.iter().map(|index| self.entry("attributeTable", index));
        entries.map(|entry| (self.string(&entry["keyStrindex"]), text(&entry["value"]))).collect()
    }

    fn frame(&self, location: &Value) -> Frame {
        let mapping = self.entry("mappingTable", &location["mappingIndex"]);
        let functions = list(location, "lines").iter().map(|line| {
            let function = self.entry("functionTable", &line["functionIndex"]);
            self.string(&function["nameStrindex"])
        });
        let attributes = self.attributes(list(location, "attributeIndices"));
        Frame {
            kind: attributes
                .into_iter()
                .find(|(key, _)| key == "profile.frame.type")
                .map(|(_, kind)| kind)
                .unwrap_or_default(),
            file: self.string(&mapping["filenameStrindex"]),
            mapping: self.attributes(list(mapping, "attributeIndices")),
            address: unsigned(&location["address"]),
            range: (unsigned(&mapping["memoryStart"]), unsigned(&mapping["memoryLimit"])),
            functions: functions.collect(),
        }
    }
}

fn of_request(request: &Value) -> Vec<Sample> {
    let reader = Reader(&request["dictionary"]);
    let mut samples = Vec::new();
    for outer in list(request, "resourceProfiles") {
        let pair = |a: &Value| (a["key"].as_str().unwrap_or_default().to_owned(), text(&a["value"]));
        let resource: Vec<_> = list(&outer["resource"], "attributes").iter().map(pair).collect();
        for profile in list(outer, "scopeProfiles").iter().flat_map(|scope| list(scope, "profiles")) {
            assert_eq!(profile["profileId"].as_str().unwrap().len(), 32);
            for sample in list(profile, "samples") {
                let stack = reader.entry("stackTable", &sample["stackIndex"]);
                let locations = list(stack, "locationIndices").iter().map(|index| reader.entry("locationTable", index));
                samples.push(Sample {
                    resource: resource.clone(),
                    attributes: reader.attributes(list(sample, "attributeIndices")),
                    frames: locations.map(|location| reader.frame(location)).collect(),
                    count: list(sample, "values").iter().map(number).sum(),
                    period_ns: number(&profile["period"]),
                });
            }
        }
    }
    samples
}

/// Tests run side by side.
static PROGRAMS: AtomicU32 = AtomicU32::new(0);

/// A program that was built for a test, in a folder that goes with it.
pub struct Program {
    pub path: PathBuf,
}

impl Program {
    /// Compiles `tests/programs/<source>` with frame pointers.
    pub fn build(source: &str) -> Self {
        let number = PROGRAMS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("kpulse-program-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(source.split('.').next().unwrap());
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(source);
        let mut compiler = match source.extension().and_then(|extension| extension.to_str()) {
            Some("c") => {
                let mut cc = Command::new("cc");
                // With optimisation gcc leaves out the frame of a function that calls no other.
                cc.args(["-O0", "-g"]);
                cc
            }
            _ => {
                let mut rustc = Command::new("rustc");
                rustc.args(["-O", "-g", "--edition", "2024", "-C", "force-frame-pointers=yes"]);
                rustc
            }
        };
        let done = compiler.arg("-o").arg(&path).arg(&source).status().unwrap();
        assert!(done.success(), "{} does not compile", source.display());
        Self { path }
    }

    pub fn start(&self, arguments: &[&str]) -> Burning {
        Burning(Command::new(&self.path).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.path.parent().unwrap());
    }
}

/// A running program, ended in every case.
pub struct Burning(pub Child);

impl Burning {
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end, and what it printed.
    pub fn output(&mut self) -> String {
        let mut text = String::new();
        std::io::Read::read_to_string(self.0.stdout.as_mut().unwrap(), &mut text).unwrap();
        assert!(self.0.wait().unwrap().success());
        text
    }
}

impl Drop for Burning {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An agent that profiles and writes profiles to its file.
pub fn profiler(frequency: u32) -> Agent {
    Agent::start(&[
        &format!("receivers.ebpf_profiles={{samples_per_second: {frequency}, reporter_interval: 1s}}"),
        "service.pipelines.profiles={receivers: [ebpf_profiles], exporters: [file]}",
    ])
}
