//! Packets that were late on their way from the device to the process that reads them.
//!
//! Hooks: `net:netif_receive_skb`, `tcp:tcp_probe`, `skb:skb_copy_datagram_iovec`. Each compares the packet's receive
//! stamp with now. Only stamps of the wall clock count: others are the time when the sender let the packet go. On
//! loopback and veth TCP packets are stamped anew when IP delivers them, so there the first stage is silent for them
//! and the others count from there. UDP datagrams that lie in one piece are copied by a function without tracepoint: the
//! last stage does not see them. A clock that is stepped makes what lies in queues at that moment look late, or in time.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use aya::maps::{Array, MapData, MapError};

use crate::clock;
use crate::counters::Rate;
use crate::events::{EventProbe, Events, Record};
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, OpenError};
use crate::probe::Probe;
use crate::ring::Header;
use crate::stamps::Stamps;

mod record;
#[cfg(test)]
mod tests;

pub use record::{Delay, Stage};

/// One for each of [`Stage::ALL`].
const HOOKS: [(&str, Rung); 3] = [
    ("device", Rung { program: "netrecvlat_device", hook: Hook::TpBtf("netif_receive_skb") }),
    ("tcp", Rung { program: "netrecvlat_tcp", hook: Hook::TpBtf("tcp_probe") }),
    ("user copy", Rung { program: "netrecvlat_user", hook: Hook::TpBtf("skb_copy_datagram_iovec") }),
];

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many delays a second become records, for each stage.
    pub rate: Rate,
    /// From where on a packet is late, for each of [`Stage::ALL`]; zero leaves a stage off.
    pub thresholds: [Duration; 3],
}

impl Default for Settings {
    fn default() -> Self {
        let thresholds = [5, 10, 115].map(Duration::from_millis);
        Self { rate: Rate { per_second: 100, burst: 200 }, thresholds }
    }
}

/// `struct settings` of probe.bpf.c.
#[repr(C)]
#[derive(Clone, Copy)]
struct KernelSettings {
    threshold_ns: [u64; 3],
    tai_ahead_ns: i64,
}

// SAFETY: four 64-bit numbers without padding; every bit pattern is valid.
unsafe impl aya::Pod for KernelSettings {}

impl KernelSettings {
    fn now(thresholds: [Duration; 3]) -> Self {
        let threshold_ns = thresholds.map(|threshold| u64::try_from(threshold.as_nanos()).unwrap_or(u64::MAX));
        Self { threshold_ns, tai_ahead_ns: clock::tai_ahead_ns() }
    }
}

impl Record for Delay {
    fn header(&self) -> &Header {
        &self.header
    }

    fn is_known(&self) -> bool {
        self.stage().is_some()
    }
}

/// The open probe.
pub struct NetRecvLat {
    events: Events<Delay>,
    settings: Array<MapData, KernelSettings>,
    thresholds: [Duration; 3],
    own_netns: Option<u64>,
}

impl NetRecvLat {
    /// Loads and attaches the stages that are on; needs a tokio runtime.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, settings: Settings) -> Result<Self, OpenError> {
        let Settings { rate, thresholds } = settings;
        let mut events = Events::load(kernel, "netrecvlat", crate::object_bytes!("netrecvlat"), rate)?;
        let settings = events.array("netrecvlat_settings", KernelSettings::now(thresholds))?;
        let own_netns = std::fs::metadata("/proc/self/ns/net").ok().map(|file| file.ino());
        let mut probe = Self { events, settings, thresholds, own_netns };
        probe.attach(kernel)?;
        // Stamping costs every packet of the host a little, so it ends with the hooks.
        let stamps = Stamps::ask().map_err(|e| OpenError::NoHook(format!("cannot ask for stamps: {e}")))?;
        probe.object_mut().hold(stamps);
        Ok(probe)
    }

    /// One stage that cannot be watched does not end the others.
    fn attach(&mut self, kernel: &Kernel) -> Result<(), OpenError> {
        let on = HOOKS.iter().zip(self.thresholds).filter(|(_, threshold)| !threshold.is_zero());
        let object = self.object_mut();
        let live = on.filter_map(|((stage, rung), _)| object.climb(kernel, stage, &[*rung])).count();
        if live == 0 { Err(object.no_hook()) } else { Ok(()) }
    }

    /// Tells the programs how far the clock that they can read is ahead of that of the stamps. It moves rarely: at a
    /// leap second, and when a time service starts.
    ///
    /// # Errors
    /// When the map cannot be written.
    pub fn follow_clock(&mut self) -> Result<(), MapError> {
        self.settings.set(0, KernelSettings::now(self.thresholds), 0)
    }

    /// Name of the device that a packet came in by: after the first stage it has only a number, which says something in
    /// its own network namespace alone.
    pub fn device(&self, delay: &Delay) -> Option<String> {
        let here = || self.own_netns.is_some_and(|own| own == u64::from(delay.netns));
        delay.device().or_else(|| here().then(|| name_of(delay.ifindex))?)
    }
}

fn name_of(ifindex: u32) -> Option<String> {
    let mut name = [0_u8; libc::IF_NAMESIZE];
    // SAFETY: the buffer has the length that this function asks for.
    let found = unsafe { libc::if_indextoname(ifindex, name.as_mut_ptr().cast()) };
    (!found.is_null()).then(|| crate::fields::text(&name))
}

impl EventProbe for NetRecvLat {
    type Record = Delay;

    fn events(&self) -> &Events<Delay> {
        &self.events
    }

    fn events_mut(&mut self) -> &mut Events<Delay> {
        &mut self.events
    }
}
