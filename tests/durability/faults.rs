//! A backend that does what backends do.

use std::time::{Duration, Instant};

use crate::agent::free_port;
use crate::backend::{Backend, Mood};
use crate::sender::{Load, send};
use crate::{Storage, arrived, waiting};

fn failed(agent: &crate::agent::Agent) -> u64 {
    agent.own_metric("otelcol_exporter_send_failed_log_records{exporter=\"otlp_http\",server_address=\"127.0.0.1\"}")
}

#[test]
fn whatever_passes_costs_time_and_no_record() {
    let storage = Storage::new();
    let mut backend = Backend::at(free_port());
    let mut agent = storage.agent(backend.address, &[]);
    let load = Load::start(crate::agent::address(&agent, "http"), 2, 2000);
    for mood in [
        Mood::Refusing(503, ""),
        Mood::Refusing(429, ""),
        Mood::Slow(Duration::from_millis(700)),
        Mood::Closing,
        Mood::Forgetful,
        Mood::Refusing(502, ""),
    ] {
        backend.be(mood);
        std::thread::sleep(Duration::from_millis(150));
    }
    backend.go();
    std::thread::sleep(Duration::from_millis(150));
    backend.be(Mood::Taking);
    backend.come();
    let ids = load.end();
    assert!(ids.len() > 50, "{}", ids.len());
    arrived(&mut agent, &backend, &ids);
    assert_eq!(failed(&agent), 0);
}

#[test]
fn a_backend_that_says_when_to_come_back_is_left_alone_until_then() {
    let storage = Storage::new();
    let backend = Backend::at(free_port());
    backend.be(Mood::Refusing(503, "Retry-After: 2\r\n"));
    let mut agent = storage.agent(backend.address, &[]);
    let id = send(crate::agent::address(&agent, "http"), 10).unwrap();
    agent.wait_for("the first attempt", |_| backend.asked() == 1);
    let refused = Instant::now();
    backend.be(Mood::Taking);
    arrived(&mut agent, &backend, &[id]);
    assert!(refused.elapsed() > Duration::from_millis(1900), "{:?}", refused.elapsed());
    assert_eq!(backend.asked(), 2);
}

#[test]
fn what_a_backend_refuses_for_good_is_counted_and_does_not_come_back() {
    let storage = Storage::new();
    let backend = Backend::at(free_port());
    backend.be(Mood::Refusing(400, ""));
    let mut agent = storage.agent(backend.address, &[]);
    let to = crate::agent::address(&agent, "http");
    (0..5).for_each(|_| drop(send(to, 10).unwrap()));
    agent.wait_for("an empty queue", |agent| waiting(agent) == 0);
    assert_eq!(failed(&agent), 5);
    agent.signal(libc::SIGTERM);
    agent.ended();
    assert!(!agent.errors().contains("kept on disk"), "{}", agent.errors());
}
