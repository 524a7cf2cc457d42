//! What several events say in the same words.

use std::net::{IpAddr, SocketAddr};

use ebpf::{Owner, Task};
use pipeline::proto::common::v1::KeyValue;

use crate::conventions::*;

/// Who owns an event, and how that was found.
pub fn owner(owner: &Owner) -> Vec<KeyValue> {
    match owner {
        Owner::Process(task) => [vec![text(OWNER_SOURCE, "process")], process(task)].concat(),
        Owner::Socket(task) => [vec![text(OWNER_SOURCE, "socket")], process(task)].concat(),
        Owner::SocketCgroup(_) => vec![text(OWNER_SOURCE, "socket_cgroup")],
        Owner::NetworkNamespace => vec![text(OWNER_SOURCE, "network_namespace")],
        Owner::Nobody => vec![text(OWNER_SOURCE, "none")],
    }
}

/// A process by its id and name.
pub fn process(task: &Task) -> Vec<KeyValue> {
    vec![int(PROCESS_PID, task.pid), text(PROCESS_NAME, &task.comm)]
}

/// One end of a packet's way, with its port where there is one.
pub fn end(address: IpAddr, port: u16) -> String {
    match port {
        0 => address.to_string(),
        port => SocketAddr::new(address, port).to_string(),
    }
}

/// IANA protocol numbers by their usual names.
pub fn transport(protocol: u8) -> String {
    match protocol {
        1 => "icmp".into(),
        2 => "igmp".into(),
        6 => "tcp".into(),
        17 => "udp".into(),
        58 => "icmpv6".into(),
        132 => "sctp".into(),
        other => format!("ip_protocol_{other}"),
    }
}
