//! A real Collector as the backend. `tests/e2e/check_queue_on_disk.sh` runs these.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::agent::{PATIENCE, free_port};
use crate::backend::take;
use crate::sender::Load;
use crate::{Storage, waiting};

/// A Collector that appends what it takes to a file, and writes it out when it ends.
struct Collector(Child);

impl Collector {
    fn start(address: SocketAddr, folder: &Path) -> Self {
        let config = folder.join("collector.yaml");
        let text = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: '{address}'}}}}}}}}\n\
             exporters: {{file: {{path: {}, append: true}}}}\n\
             service: {{telemetry: {{metrics: {{level: none}}}}, pipelines: {{logs: {{receivers: [otlp], exporters: [file]}}}}}}\n",
            folder.join("taken.jsonl").display()
        );
        std::fs::write(&config, text).unwrap();
        let program = std::env::var_os("COLLECTOR").unwrap();
        let log = std::fs::File::create(folder.join("collector.log")).unwrap();
        let child = Command::new(program).arg("--config").arg(config).stderr(log).stdin(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while !std::fs::read_to_string(folder.join("collector.log")).unwrap().contains("Everything is ready") {
            assert!(start.elapsed() < PATIENCE, "{}", std::fs::read_to_string(folder.join("collector.log")).unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // SAFETY: the child was not waited for yet, so the id is still its own.
        unsafe { libc::kill(self.0.id() as i32, libc::SIGTERM) };
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs a real Collector: tests/e2e/check_queue_on_disk.sh"]
fn a_real_collector_that_comes_and_goes_has_all_that_was_acknowledged_in_spite_of_kills() {
    let (storage, folder, address) = (Storage::new(), Storage::new(), free_port());
    let mut acknowledged = Vec::new();
    // The Collector closes connections while it stops, with answers that say so.
    let settings = ["exporters.otlp_http.encoding=proto", "exporters.otlp_http.compression=gzip"];
    for round in 0..8 {
        let collector = (round % 2 == 0).then(|| Collector::start(address, folder.path()));
        let mut agent = storage.agent(address, &settings);
        let load = Load::start(crate::agent::address(&agent, "http"), 3, 3000);
        std::thread::sleep(Duration::from_millis(150));
        drop(collector);
        std::thread::sleep(Duration::from_millis(50));
        agent.signal(libc::SIGKILL);
        agent.ended();
        drop(agent);
        acknowledged.extend(load.end());
    }
    let collector = Collector::start(address, folder.path());
    let mut agent = storage.agent(address, &settings);
    agent.wait_for("an empty queue", |agent| waiting(agent) == 0);
    drop(collector);
    let mut taken = HashMap::new();
    take(&std::fs::read_to_string(folder.path().join("taken.jsonl")).unwrap(), &mut taken);
    let missing: Vec<_> = acknowledged.iter().filter(|id| !taken.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), acknowledged.len());
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    let twice = taken.values().filter(|times| **times > 1).count();
    println!("a real Collector has all {} acknowledged records, {twice} of them more than once", acknowledged.len());
}
