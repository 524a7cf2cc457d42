//! What is watched, and how the programs are told.

use std::time::Duration;

use aya::maps::{Array, HashMap, MapData};

use super::record::Exchange;
use crate::clock;
use crate::counters::Rate;
use crate::events::Events;
use crate::object::OpenError;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many exchanges a second become records, for each kind and role.
    pub rate: Rate,
    /// HTTP/1.x.
    pub http: bool,
    /// Everything else that goes over TCP.
    pub tcp: bool,
    /// Connections as they come about, or do not.
    pub handshakes: bool,
    /// What goes over connections, folded by peer and port: room for so many flows; 0 for none.
    pub flows: u32,
    /// How long what comes in lies in the receive queue; a hook for every segment.
    pub queues: bool,
    /// How long it was on its way there; makes the kernel stamp every packet.
    pub stamps: bool,
    /// Shorter exchanges are filtered.
    pub least: Duration,
    /// A response that is silent for so long is told of.
    pub pause: Duration,
    /// Also what this process itself sends and receives; its own exports would then make exchanges without end.
    pub own: bool,
    /// Ports of servers; empty for all.
    pub ports: Vec<u16>,
    /// Names of processes, as the kernel knows them (15 bytes); empty for all.
    pub processes: Vec<String>,
    /// Names of processes that are left out.
    pub other_processes: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate: Rate { per_second: 1000, burst: 2000 },
            http: true,
            tcp: false,
            handshakes: false,
            flows: 0,
            queues: true,
            stamps: false,
            least: Duration::ZERO,
            pause: Duration::from_millis(500),
            own: false,
            ports: Vec::new(),
            processes: Vec::new(),
            other_processes: Vec::new(),
        }
    }
}

impl Settings {
    /// Every hook that there is, to find out which of them this kernel has.
    pub fn everything() -> Self {
        Self { tcp: true, handshakes: true, flows: 1024, stamps: true, ..Self::default() }
    }

    /// Whether anything needs the hooks on data.
    pub(super) fn exchanges(&self) -> bool {
        self.http || self.tcp
    }
}

/// `struct settings` of settings.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct KernelSettings {
    least_ns: u64,
    pause_ns: u64,
    own_pid: u32,
    http: u8,
    tcp: u8,
    handshakes: u8,
    flows: u8,
    all_ports: u8,
    all_processes: u8,
    reserved: u16,
    reserved2: u32,
}

// SAFETY: numbers without padding; every bit pattern is valid.
unsafe impl aya::Pod for KernelSettings {}

impl KernelSettings {
    fn of(settings: &Settings) -> Self {
        let ns = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self {
            least_ns: ns(settings.least),
            pause_ns: ns(settings.pause),
            // The first round over open files, which runs in this process, puts the id there that the kernel knows.
            own_pid: if settings.own { 0 } else { std::process::id() },
            http: settings.http.into(),
            tcp: settings.tcp.into(),
            handshakes: settings.handshakes.into(),
            flows: (settings.flows > 0).into(),
            all_ports: settings.ports.is_empty().into(),
            all_processes: settings.processes.is_empty().into(),
            reserved: 0,
            reserved2: 0,
        }
    }
}

/// The maps that the programs read; they load only while these are open.
pub(super) struct SettingMaps {
    _settings: Array<MapData, KernelSettings>,
    _ports: Array<MapData, u64>,
    _processes: HashMap<MapData, [u8; 16], u8>,
    clock: Array<MapData, i64>,
}

impl SettingMaps {
    pub fn fill(events: &mut Events<Exchange>, settings: &Settings) -> Result<Self, OpenError> {
        Ok(Self {
            _settings: events.array("sockets_settings", KernelSettings::of(settings))?,
            _ports: port_bits(events, &settings.ports)?,
            _processes: process_names(events, settings)?,
            clock: events.array("sockets_clock", clock::tai_ahead_ns())?,
        })
    }

    /// How far the clock that programs can read is ahead of that of packet stamps. It moves rarely.
    pub fn follow_clock(&mut self) -> Result<(), OpenError> {
        self.clock.set(0, clock::tai_ahead_ns(), 0).map_err(OpenError::of_map("sockets_clock"))
    }
}

/// One bit for each port.
fn port_bits(events: &mut Events<Exchange>, ports: &[u16]) -> Result<Array<MapData, u64>, OpenError> {
    let mut words = [0_u64; 1024];
    for port in ports {
        words[usize::from(port / 64)] |= 1 << (port % 64);
    }
    let mut array = events.array("sockets_ports", words[0])?;
    for (at, word) in (0..).zip(words).skip(1).filter(|(_, word)| *word != 0) {
        array.set(at, word, 0).map_err(OpenError::of_map("sockets_ports"))?;
    }
    Ok(array)
}

/// Names with whether they are wanted; one that is in both lists is not.
fn process_names(
    events: &mut Events<Exchange>,
    settings: &Settings,
) -> Result<HashMap<MapData, [u8; 16], u8>, OpenError> {
    let mut map = events.take::<HashMap<MapData, [u8; 16], u8>>("sockets_processes")?;
    let wanted = settings.processes.iter().map(|name| (name, 1));
    for (name, is_wanted) in wanted.chain(settings.other_processes.iter().map(|name| (name, 0))) {
        map.insert(comm(name), is_wanted, 0).map_err(OpenError::of_map("sockets_processes"))?;
    }
    Ok(map)
}

/// As the kernel cuts it: 15 bytes and a zero.
fn comm(name: &str) -> [u8; 16] {
    let mut comm = [0; 16];
    for (to, from) in comm.iter_mut().take(15).zip(name.bytes()) {
        *to = from;
    }
    comm
}
