//! Bytes on disk that are not what was written.

use crate::agent::free_port;
use crate::backend::Backend;
use crate::sender::send;
use crate::{Storage, arrived};

/// Twenty records in a queue whose agent was killed.
pub fn left_by_a_kill(storage: &Storage, address: std::net::SocketAddr) -> Vec<String> {
    let mut agent = storage.agent(address, &[]);
    let to = crate::agent::address(&agent, "http");
    let ids = (0..20).map(|_| send(to, 100).unwrap()).collect();
    agent.signal(libc::SIGKILL);
    agent.ended();
    ids
}

fn damaged_bytes(agent: &crate::agent::Agent, reason: &str) -> u64 {
    agent.own_metric(&format!("kpulse_storage_damaged_bytes{{extension=\"file_storage\",reason=\"{reason}\"}}"))
}

#[test]
fn a_write_that_was_cut_off_is_told_and_the_rest_arrives() {
    let (storage, address) = (Storage::new(), free_port());
    let ids = left_by_a_kill(&storage, address);
    let last = storage.files().pop().unwrap();
    let length = last.metadata().unwrap().len();
    std::fs::File::options().write(true).open(last).unwrap().set_len(length - 10).unwrap();
    let backend = Backend::at(address);
    let mut agent = storage.agent(address, &[]);
    arrived(&mut agent, &backend, &ids[..19]);
    assert_eq!(backend.taken().len(), 19);
    assert!(agent.errors().contains("a write was cut off and is taken off"), "{}", agent.errors());
    assert!(damaged_bytes(&agent, "torn") > 100 && damaged_bytes(&agent, "damaged") == 0);
}

#[test]
fn a_flipped_bit_costs_the_record_it_is_in_and_is_told() {
    let (storage, address) = (Storage::new(), free_port());
    let ids = left_by_a_kill(&storage, address);
    let file = storage.files().remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    let wanted = format!("id-{}-", ids[7]);
    let at = bytes.windows(wanted.len()).position(|window| window == wanted.as_bytes()).unwrap();
    bytes[at + wanted.len() + 3] ^= 4;
    std::fs::write(&file, bytes).unwrap();
    let backend = Backend::at(address);
    let mut agent = storage.agent(address, &[]);
    let rest: Vec<_> = ids.iter().filter(|id| **id != ids[7]).cloned().collect();
    arrived(&mut agent, &backend, &rest);
    assert!(!backend.taken().contains_key(&ids[7]));
    assert!(agent.errors().contains("stored bytes are not what was written"), "{}", agent.errors());
    assert!(damaged_bytes(&agent, "damaged") > 100 && damaged_bytes(&agent, "torn") == 0);
}

#[test]
fn junk_instead_of_a_file_does_not_stop_the_start() {
    let (storage, address) = (Storage::new(), free_port());
    left_by_a_kill(&storage, address);
    let file = storage.files().remove(0);
    let junk: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(file, junk).unwrap();
    let backend = Backend::at(address);
    let mut agent = storage.agent(address, &[]);
    let id = send(crate::agent::address(&agent, "http"), 10).unwrap();
    arrived(&mut agent, &backend, &[id]);
    assert_eq!(backend.taken().len(), 1);
    assert_eq!(damaged_bytes(&agent, "torn"), 200_000);
}

#[test]
fn two_agents_do_not_share_a_queue() {
    let (storage, address) = (Storage::new(), free_port());
    let _agent = storage.agent(address, &[]);
    let directory = format!("extensions.file_storage={{directory: {}, timeout: 50ms}}", storage.path().display());
    let endpoint = format!("exporters.otlp_http.endpoint=http://{address}");
    let output = crate::agent::kpulse(&[
        "--config",
        crate::PIPELINE,
        "--set",
        &directory,
        "--set",
        &endpoint,
        "--set",
        "service.telemetry.metrics.level=none",
    ]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let wanted = "is in use: each process needs a directory of its own";
    assert!(said.lines().last().unwrap().contains(wanted), "{said}");
}
