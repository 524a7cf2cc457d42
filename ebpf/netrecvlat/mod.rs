//! Packets that were late on their way from the device to the process that reads them.
//!
//! Hooks: `net:netif_receive_skb`, `tcp:tcp_probe`, `skb:skb_copy_datagram_iovec`. Each compares the packet's receive
//! stamp with now. Only stamps of the wall clock count: others are the time when the sender let the packet go. On
//! loopback and veth TCP packets are stamped anew when IP delivers them, so there the first stage is silent for them
//! and the others count from there. UDP datagrams that lie in one piece are copied by a function without tracepoint: the
//! last stage does not see them. A clock that is stepped makes what lies in queues at that moment look late, or in time.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use aya::maps::{Array, MapData, MapError, RingBuf};
use zerocopy::FromBytes;

use crate::clock;
use crate::counters::{Buckets, CounterMap, Counters, Rate};
use crate::object::{Hook, Kernel, Ladder, Object, OpenError, Rung};
use crate::probe::{Control, Cost, MapSize, Probe, Report};
use crate::ring::{Ring, VERSION};

mod record;
mod stamps;
#[cfg(test)]
mod tests;

pub use record::{Delay, Stage};
use stamps::Stamps;

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

/// The open probe.
pub struct NetRecvLat {
    object: Object,
    ring: Ring,
    counters: CounterMap,
    buckets: Buckets,
    settings: Array<MapData, KernelSettings>,
    thresholds: [Duration; 3],
    stamps: Option<Stamps>,
    own_netns: Option<u64>,
    malformed: u64,
    features: Vec<Ladder>,
    maps: Vec<MapSize>,
}

impl NetRecvLat {
    /// Loads and attaches the stages that are on; needs a tokio runtime.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, settings: Settings) -> Result<Self, OpenError> {
        let mut object = kernel.load(crate::object_bytes!("netrecvlat"))?;
        let maps = object.map_sizes();
        let mut probe = Self {
            ring: Ring::new(object.take::<RingBuf<MapData>>("netrecvlat_ring")?)?,
            counters: CounterMap(object.take("netrecvlat_counters")?),
            buckets: object.take("netrecvlat_buckets")?,
            settings: object.take("netrecvlat_settings")?,
            thresholds: settings.thresholds,
            stamps: None,
            own_netns: std::fs::metadata("/proc/self/ns/net").ok().map(|file| file.ino()),
            malformed: 0,
            features: Vec::new(),
            maps,
            object,
        };
        let named = |name| move |source| OpenError::Map { name, source };
        probe.buckets.set(settings.rate).map_err(named("netrecvlat_buckets"))?;
        probe.follow_clock().map_err(named("netrecvlat_settings"))?;
        probe.attach(kernel)?;
        probe.stamps = Some(Stamps::ask().map_err(|e| OpenError::NoHook(format!("cannot ask for stamps: {e}")))?);
        Ok(probe)
    }

    /// One stage that cannot be watched does not end the others.
    fn attach(&mut self, kernel: &Kernel) -> Result<(), OpenError> {
        for ((stage, rung), _) in HOOKS.iter().zip(self.thresholds).filter(|(_, threshold)| !threshold.is_zero()) {
            self.features.push(self.object.climb(kernel, stage, &[*rung]));
        }
        if self.features.iter().all(|ladder| ladder.live().is_none()) {
            let failures: Vec<_> = self.features.iter().map(Ladder::failures).collect();
            return Err(OpenError::NoHook(failures.join("; ")));
        }
        Ok(())
    }

    /// Tells the programs how far the clock that they can read is ahead of that of the stamps. It moves rarely: at a
    /// leap second, and when a time service starts.
    ///
    /// # Errors
    /// When the map cannot be written.
    pub fn follow_clock(&mut self) -> Result<(), MapError> {
        let threshold_ns = self.thresholds.map(|threshold| u64::try_from(threshold.as_nanos()).unwrap_or(u64::MAX));
        self.settings.set(0, KernelSettings { threshold_ns, tai_ahead_ns: clock::tai_ahead_ns() }, 0)
    }

    /// Waits until there may be delays.
    ///
    /// # Errors
    /// When the ring can no longer be watched.
    pub async fn readable(&mut self) -> std::io::Result<()> {
        self.ring.readable().await
    }

    /// Hands every delay that is there to `take`, oldest first.
    pub fn drain(&mut self, mut take: impl FnMut(&Delay)) {
        let malformed = &mut self.malformed;
        self.ring.drain(|bytes| match Delay::ref_from_prefix(bytes) {
            Ok((delay, _)) if delay.header.version == VERSION && delay.stage().is_some() => take(delay),
            _ => *malformed += 1,
        });
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

impl Probe for NetRecvLat {
    fn report(&self) -> Report {
        Report { probe: "netrecvlat", features: self.features.clone(), maps: self.maps.clone(), exact: true }
    }

    fn control(&mut self) -> &mut dyn Control {
        self
    }
}

impl Control for NetRecvLat {
    fn cost(&self) -> Cost {
        self.object.cost()
    }

    fn counters(&self) -> Counters {
        Counters { misses: self.cost().misses, malformed: self.malformed, ..self.counters.read() }
    }

    fn set_rate(&mut self, rate: Rate) -> bool {
        self.buckets.set(rate).is_ok()
    }

    fn detach(&mut self) {
        self.object.detach();
        // Stamping costs every packet of the host a little.
        self.stamps = None;
    }
}
