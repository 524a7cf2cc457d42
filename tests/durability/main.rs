//! A queue on disk: what was acknowledged arrives, whatever is killed, full, damaged or away.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

#[path = "../agent/mod.rs"]
mod agent;
mod backend;
mod collector;
mod damage;
mod faults;
mod full;
mod kills;
mod overload;
mod sender;
mod stops;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use agent::Agent;
use backend::Backend;

const PIPELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/durability/pipeline.yaml");

/// A folder for the storage, which outlives agents.
pub struct Storage(PathBuf);

impl Storage {
    /// An empty one.
    #[allow(clippy::new_without_default, reason = "a folder is made")]
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("kpulse-durability-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The files of the queue of logs, oldest first.
    pub fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.0.join("exporter_otlp_http__logs.kpulse")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
        files.sort();
        files
    }

    /// An agent that keeps its queues here and sends to `backend`.
    pub fn agent(&self, backend: SocketAddr, settings: &[&str]) -> Agent {
        let directory = format!("extensions.file_storage.directory={}", self.0.display());
        let endpoint = format!("exporters.otlp_http.endpoint=http://{backend}");
        Agent::start_with(PIPELINE, &[&[directory.as_str(), &endpoint], settings].concat())
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How much the queue of logs holds.
pub fn waiting(agent: &Agent) -> u64 {
    agent.own_metric("otelcol_exporter_queue_size{data_type=\"logs\",exporter=\"otlp_http\"}")
}

/// Waits until all of these are there, and nothing waits any longer.
pub fn arrived(agent: &mut Agent, backend: &Backend, wanted: &[String]) {
    loop {
        let before = waiting(agent);
        if before == 0 {
            break;
        }
        agent.wait_for("less in the queue", |agent| waiting(agent) < before);
    }
    let taken = backend.taken();
    let missing: Vec<_> = wanted.iter().filter(|id| !taken.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), wanted.len());
}
