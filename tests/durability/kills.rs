//! kill -9.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use crate::agent::free_port;
use crate::backend::{Backend, Mood};
use crate::sender::{Load, post};
use crate::{Storage, arrived};

const CONSUMERS: usize = 4;

fn chance(below: u64) -> u64 {
    RandomState::new().hash_one(0) % below
}

/// Kills so many agents, each after a while under load, and lets `before` act on the backend. Returns what was
/// acknowledged.
fn kill(
    times: usize,
    storage: &Storage,
    backend: &mut Backend,
    mut before: impl FnMut(&mut Backend, usize),
) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for round in 0..times {
        before(backend, round);
        let mut agent = storage.agent(backend.address, &[]);
        let load = Load::start(crate::agent::address(&agent, "http"), 3, chance(20_000) as usize);
        std::thread::sleep(Duration::from_millis(chance(250)));
        agent.signal(libc::SIGKILL);
        agent.ended();
        drop(agent);
        acknowledged.extend(load.end());
    }
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_by_20_kills_while_the_backend_comes_and_goes() {
    survive(20);
}

#[test]
#[ignore = "takes minutes: tests/e2e/check_queue_on_disk.sh"]
fn nothing_acknowledged_is_lost_by_150_kills() {
    survive(150);
}

fn survive(kills: usize) {
    let storage = Storage::new();
    let mut backend = Backend::at(free_port());
    let acknowledged = kill(kills, &storage, &mut backend, |backend, round| match round % 4 {
        0 => backend.go(),
        1 => backend.come(),
        2 => backend.be(Mood::Forgetful),
        _ => backend.be(Mood::Taking),
    });
    assert!(acknowledged.len() > 200, "{}", acknowledged.len());
    let mut agent = storage.agent(backend.address, &[]);
    arrived(&mut agent, &backend, &acknowledged);
    let (taken, twice) = (backend.taken(), backend.taken().values().filter(|times| **times > 1).count());
    println!("{kills} kills, {} acknowledged, {} arrived, {twice} more than once", acknowledged.len(), taken.len());
}

#[test]
fn with_a_backend_that_is_always_there_a_kill_repeats_only_what_was_under_way() {
    let storage = Storage::new();
    let mut backend = Backend::at(free_port());
    let times = 10;
    let acknowledged = kill(times, &storage, &mut backend, |_, _| ());
    let mut agent = storage.agent(backend.address, &[]);
    arrived(&mut agent, &backend, &acknowledged);
    let again: u32 = backend.taken().values().map(|times| times - 1).sum();
    println!("{} acknowledged, {again} came again after {times} kills", acknowledged.len());
    // What was delivered is forgotten a moment after the answer.
    assert!(
        again as usize <= times * 2 * CONSUMERS,
        "{again} duplicates of {} after {times} kills",
        acknowledged.len()
    );
}

#[test]
fn every_signal_has_a_queue_of_its_own_that_a_kill_leaves() {
    let storage = Storage::new();
    let address = free_port();
    let mut agent =
        storage.agent(address, &["exporters.otlp_http.sending_queue.batch={min_size: 2, flush_timeout: 50ms}"]);
    let to = crate::agent::address(&agent, "http");
    let requests = [
        ("/v1/logs", crate::sender::record(900_001, 10)),
        ("/v1/metrics", r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"id-900002-","gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]}"#.into()),
        ("/v1/traces", r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"id-900003-"}]}]}]}"#.into()),
        ("/v1development/profiles", r#"{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"samples":[{}]}]}]}],"dictionary":{"stringTable":["","id-900004-"]}}"#.into()),
    ];
    for (path, body) in requests {
        assert_eq!(post(to, path, &body).unwrap().0, 200, "{path}");
    }
    agent.signal(libc::SIGKILL);
    agent.ended();
    drop(agent);
    let backend = Backend::at(address);
    let mut agent = storage.agent(address, &[]);
    agent.wait_for("all four", |_| backend.taken().len() >= 4);
    let wanted = (1..=4).map(|number| (format!("90000{number}"), 1)).collect();
    assert_eq!(backend.taken(), wanted);
    assert_eq!(agent.errors().matches("found on disk, to be sent first").count(), 4, "{}", agent.errors());
}
