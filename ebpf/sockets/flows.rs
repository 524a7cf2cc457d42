//! What goes over connections, folded in the kernel by peer and server port.

use std::io::ErrorKind;
use std::net::IpAddr;

use aya::maps::{HashMap, MapData, MapError, PerCpuArray};

use super::record::{Exchange, Role};
use crate::events::Events;
use crate::fields::address;
use crate::histogram::{Histogram, Slots};
use crate::object::OpenError;
use crate::owner::Cgroups;

/// `enum role` of record.h.
const CLIENT: u8 = 1;
const SERVER: u8 = 2;

/// `struct flow_key` of flows.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    cgroup: u64,
    v1_cgroup: u64,
    /// Inode of the network namespace.
    pub netns: u32,
    /// Port of the end that was connected to.
    pub server_port: u16,
    role: u8,
    ip_version: u8,
    remote: [u8; 16],
}

// SAFETY: numbers and bytes without padding (8+8+4+2+1+1+16); every bit pattern is valid.
unsafe impl aya::Pod for FlowKey {}

impl FlowKey {
    /// Which end this host is.
    pub fn role(&self) -> Role {
        if self.role == CLIENT { Role::Client } else { Role::Server }
    }

    /// Whether it is all that found no room in the table.
    pub fn is_overflow(&self) -> bool {
        self.ip_version == 0
    }

    /// What takes in all that finds no room, on one side.
    fn overflow(role: u8) -> Self {
        Self { cgroup: 0, v1_cgroup: 0, netns: 0, server_port: 0, role, ip_version: 0, remote: [0; 16] }
    }

    /// The address at the other end.
    pub fn peer(&self) -> Option<IpAddr> {
        address(self.ip_version, self.remote)
    }

    /// Whose end it is.
    pub fn cgroups(&self) -> Cgroups {
        Cgroups { unified: self.cgroup, v1_memory: Some(self.v1_cgroup).filter(|id| *id != 0) }
    }
}

/// `struct flow` of flows.h.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct RawFlow {
    sent: u64,
    received: u64,
    retransmits: u64,
    connections: u64,
    srtt: Slots,
}

// SAFETY: 64-bit numbers without padding; every bit pattern is valid.
unsafe impl aya::Pod for RawFlow {}

/// What went over the connections of a flow since the probe was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Bytes that this end sent, each counted once.
    pub sent_bytes: u64,
    /// Bytes that it received.
    pub received_bytes: u64,
    /// Segments that it sent again.
    pub retransmits: u64,
    /// Connections that came about.
    pub connections: u64,
    /// Smoothed round-trip times, one for each connection at its end and at every reading in which it moved something.
    pub srtt: Histogram,
}

/// The table of flows, which is bounded.
pub(super) struct Flows {
    flows: HashMap<MapData, FlowKey, RawFlow>,
    overflows: PerCpuArray<MapData, u64>,
}

impl Flows {
    /// Takes the maps, and makes room for what will find none.
    pub fn take(events: &mut Events<Exchange>) -> Result<Self, OpenError> {
        let mut flows: HashMap<_, _, _> = events.take("sockets_flows")?;
        for role in [CLIENT, SERVER] {
            flows.insert(FlowKey::overflow(role), RawFlow::default(), 0).map_err(OpenError::of_map("sockets_flows"))?;
        }
        Ok(Self { flows, overflows: events.take("sockets_flow_overflows")? })
    }

    /// Makes room. What a connection folds into it at this very moment is lost.
    pub fn forget(&mut self, key: &FlowKey) -> Result<(), OpenError> {
        match self.flows.remove(key) {
            Ok(()) | Err(MapError::KeyNotFound) => Ok(()),
            Err(MapError::SyscallError(error)) if error.io_error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(OpenError::of_map("sockets_flows")(error)),
        }
    }

    pub fn read(&self) -> Result<Vec<(FlowKey, Flow)>, OpenError> {
        let mut all = Vec::new();
        for key in self.flows.keys() {
            let key = key.map_err(OpenError::of_map("sockets_flows"))?;
            match self.flows.get(&key, 0) {
                Ok(raw) => all.push((key, Flow::of(raw))),
                Err(MapError::KeyNotFound) => {}
                Err(error) => return Err(OpenError::of_map("sockets_flows")(error)),
            }
        }
        // Where entries come and go meanwhile, the kernel may begin anew.
        all.sort_by_key(|(key, _)| (key.cgroup, key.v1_cgroup, key.netns, key.server_port, key.role, key.remote));
        all.dedup_by_key(|(key, _)| *key);
        Ok(all)
    }

    pub fn overflows(&self) -> u64 {
        self.overflows.get(&0, 0).map_or(0, |per_cpu| per_cpu.iter().sum())
    }
}

impl Flow {
    /// Adds what has moved between two readings of one table entry.
    pub fn add_since(&mut self, now: &Self, before: &Self) {
        self.sent_bytes += now.sent_bytes.saturating_sub(before.sent_bytes);
        self.received_bytes += now.received_bytes.saturating_sub(before.received_bytes);
        self.retransmits += now.retransmits.saturating_sub(before.retransmits);
        self.connections += now.connections.saturating_sub(before.connections);
        self.srtt.add_since(&now.srtt, &before.srtt);
    }

    fn of(raw: RawFlow) -> Self {
        let RawFlow { sent, received, retransmits, connections, srtt } = raw;
        Self { sent_bytes: sent, received_bytes: received, retransmits, connections, srtt: srtt.into() }
    }
}
