//! Far more than the backend takes.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::agent::{Agent, PATIENCE, free_port};
use crate::backend::{Backend, Mood};
use crate::sender::send;
use crate::{Storage, arrived, waiting};

/// The most memory that it ever had, in MiB.
fn peak(agent: &Agent) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn memory_stays_below_the_limit_at_20_times_the_load_and_senders_are_told_to_come_back() {
    const LIMIT_MIB: u64 = 40;
    let storage = Storage::new();
    let backend = Backend::at(free_port());
    backend.be(Mood::Slow(Duration::from_millis(100)));
    let limiter =
        format!("processors.memory_limiter={{check_interval: 1s, limit_mib: {LIMIT_MIB}, spike_limit_mib: 10}}");
    let agent = storage.agent(
        backend.address,
        &[
            &limiter,
            "service.pipelines.logs.processors=[memory_limiter]",
            // In memory, and without any other bound.
            "exporters.otlp_http.sending_queue={storage: null, queue_size: 1000000, num_consumers: 1}",
        ],
    );
    let before = peak(&agent);
    let to = crate::agent::address(&agent, "http");
    let (enough, offered) = (AtomicBool::new(false), AtomicU32::new(0));
    let others: Vec<String> = std::thread::scope(|scope| {
        let sender = || {
            let mut refused = Vec::new();
            while !enough.load(Ordering::Relaxed) {
                refused.extend(send(to, 100_000).err());
                offered.fetch_add(1, Ordering::Relaxed);
            }
            refused
        };
        let senders = [scope.spawn(sender), scope.spawn(sender)];
        let start = std::time::Instant::now();
        let taken = || backend.taken().len() as u32;
        while taken() < 30 || offered.load(Ordering::Relaxed) < 20 * taken() {
            assert!(start.elapsed() < PATIENCE, "{offered:?} offered, {} taken", taken());
            std::thread::sleep(Duration::from_millis(50));
        }
        enough.store(true, Ordering::Relaxed);
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    assert!(others.len() > 100, "{} refused of {offered:?}", others.len());
    for said in &others {
        assert!(said.starts_with("HTTP/1.1 503"), "retryable: {said}");
    }
    let refused = agent.own_metric("otelcol_receiver_refused_log_records{receiver=\"otlp\",transport=\"http\"}");
    assert_eq!(refused, others.len() as u64);
    // Two requests are on their way in beyond it, and the allocator keeps some of what was freed.
    let grown = peak(&agent) - before;
    assert!(grown < LIMIT_MIB * 3 / 2, "{grown} MiB more than the {before} before");
    println!("{offered:?} offered, {} taken, {refused} refused, {grown} MiB", backend.taken().len());
}

#[test]
fn a_queue_on_disk_takes_no_memory_for_what_it_holds_before_a_restart_nor_after() {
    let (storage, address) = (Storage::new(), free_port());
    let mut agent = storage.agent(address, &[]);
    let before = peak(&agent);
    let to = crate::agent::address(&agent, "http");
    let ids: Vec<_> = (0..600).map(|_| send(to, 200_000).unwrap()).collect();
    assert_eq!(waiting(&agent), 600);
    let grown = peak(&agent) - before;
    assert!(grown < 25, "{grown} MiB for 120 MB");
    agent.signal(libc::SIGKILL);
    agent.ended();
    drop(agent);
    let backend = Backend::at(address);
    let mut agent = storage.agent(address, &[]);
    arrived(&mut agent, &backend, &ids);
    let whole = peak(&agent);
    assert!(whole < before + 25, "{whole} MiB after a restart with 120 MB");
    println!("120 MB on disk: {grown} MiB more than {before} before, {whole} after a restart");
}
