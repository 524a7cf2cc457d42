//! Clean stops and reloads with a queue that is not empty.

use std::time::{Duration, Instant};

use crate::agent::free_port;
use crate::backend::{Backend, Mood};
use crate::sender::{Load, send};
use crate::{Storage, arrived, waiting};

#[test]
fn what_a_stop_cannot_send_is_named_and_waits_for_the_next_start() {
    let (storage, address) = (Storage::new(), free_port());
    let mut agent = storage.agent(address, &[]);
    let to = crate::agent::address(&agent, "http");
    let ids: Vec<_> = (0..30).map(|_| send(to, 100).unwrap()).collect();
    assert_eq!(waiting(&agent), 30);
    let asked = Instant::now();
    agent.signal(libc::SIGTERM);
    assert_eq!(agent.ended().code(), Some(0), "{}", agent.errors());
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let said = agent.errors();
    assert!(
        said.contains("kept on disk for the next start") && said.contains("\"requests\": 30, \"items\": 30"),
        "{said}"
    );
    assert!(said.contains("Shutdown complete.") && !said.contains("lost") && !said.contains("Dropping"), "{said}");
    drop(agent);
    let backend = Backend::at(address);
    let mut agent = storage.agent(address, &[]);
    arrived(&mut agent, &backend, &ids);
    assert_eq!(backend.taken().values().copied().max(), Some(1));
}

#[test]
fn an_exporter_that_a_reload_replaces_hands_its_queue_over() {
    let (storage, alive) = (Storage::new(), Backend::at(free_port()));
    // What is set on the command line stands over files, so the endpoint is in one here.
    let dead = format!("exporters: {{otlp_http: {{endpoint: 'http://{}'}}}}", free_port());
    let directory = format!("extensions.file_storage.directory={}", storage.path().display());
    let mut agent = crate::agent::Agent::start_files(crate::PIPELINE, &dead, &[&directory]);
    let to = crate::agent::address(&agent, "http");
    let ids: Vec<_> = (0..30).map(|_| send(to, 100).unwrap()).collect();
    agent.rewrite(&format!("exporters: {{otlp_http: {{endpoint: 'http://{}'}}}}", alive.address));
    agent.wait_for("the new exporter", |agent| agent.errors().contains("Config updated"));
    arrived(&mut agent, &alive, &ids);
    let id = send(to, 10).unwrap();
    arrived(&mut agent, &alive, &[id]);
}

#[test]
fn a_reload_under_load_loses_nothing_and_refuses_nobody() {
    let (storage, slow, next) = (Storage::new(), Backend::at(free_port()), Backend::at(free_port()));
    slow.be(Mood::Slow(Duration::from_millis(100)));
    let to_slow = format!("exporters: {{otlp_http: {{endpoint: 'http://{}'}}}}", slow.address);
    let directory = format!("extensions.file_storage.directory={}", storage.path().display());
    let mut agent = crate::agent::Agent::start_files(crate::PIPELINE, &to_slow, &[&directory]);
    let load = Load::start(crate::agent::address(&agent, "http"), 3, 1000);
    agent.wait_for("a queue", |agent| waiting(agent) > 100);
    agent.rewrite(&format!("exporters: {{otlp_http: {{endpoint: 'http://{}'}}}}", next.address));
    agent.wait_for("the new exporter", |agent| agent.errors().contains("Config updated"));
    let ids = load.end();
    agent.wait_for("an empty queue", |agent| waiting(agent) == 0);
    let (former, taken) = (slow.taken(), next.taken());
    let missing: Vec<_> = ids.iter().filter(|id| !former.contains_key(*id) && !taken.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), ids.len());
    assert!(!former.is_empty() && !taken.is_empty(), "{} and {}", former.len(), taken.len());
    let refused = agent.own_metric("otelcol_receiver_refused_log_records{receiver=\"otlp\",transport=\"http\"}");
    assert_eq!(refused, 0);
}

#[test]
fn a_stop_sends_what_goes_out_at_once() {
    let storage = Storage::new();
    let backend = Backend::at(free_port());
    backend.be(Mood::Slow(Duration::from_millis(30)));
    let mut agent = storage.agent(backend.address, &["exporters.otlp_http.sending_queue.num_consumers=1"]);
    let to = crate::agent::address(&agent, "http");
    let ids: Vec<_> = (0..20).map(|_| send(to, 100).unwrap()).collect();
    agent.signal(libc::SIGTERM);
    assert_eq!(agent.ended().code(), Some(0), "{}", agent.errors());
    assert_eq!(backend.taken().len(), ids.len(), "{}", agent.errors());
    assert!(!agent.errors().contains("kept on disk"), "{}", agent.errors());
}

#[test]
fn long_work_says_how_much_is_left() {
    let (storage, address) = (Storage::new(), free_port());
    let ids = crate::damage::left_by_a_kill(&storage, address);
    let backend = Backend::at(address);
    backend.be(Mood::Slow(Duration::from_millis(450)));
    let mut agent = storage.agent(address, &["exporters.otlp_http.sending_queue.num_consumers=1"]);
    agent.wait_for("word of what is left", |agent| {
        agent.errors().contains("still sending what was on disk at the start")
    });
    agent.signal(libc::SIGTERM);
    assert_eq!(agent.ended().code(), Some(0), "{}", agent.errors());
    let said = agent.errors();
    assert!(said.contains("sending what is on disk before the stop"), "{said}");
    let left = ids.len() - backend.taken().len();
    assert!(left == 0 || said.contains(&format!("\"requests\": {left}, \"items\": {left}")), "{left}: {said}");
}
