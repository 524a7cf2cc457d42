//! Packets that the kernel dropped: why, which, where, whose.
//!
//! Hook: `skb:kfree_skb` with its reason; on kernels since 6.11 it names the receiving socket. The owner comes from
//! the socket (see `owner.h`), never from the task that happens to run.

use aya::maps::{Array, MapData, RingBuf};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::btf;
use crate::counters::{Buckets, CounterMap, Counters, Rate};
use crate::fields::{address, text};
use crate::object::{Hook, Kernel, Ladder, Object, OpenError, Rung};
use crate::owner::{Owner, RawOwner};
use crate::probe::{Control, Cost, MapSize, Probe, Report};
use crate::ring::{Header, Ring, VERSION};

mod reasons;
#[cfg(test)]
mod tests;

pub use reasons::Reasons;

/// Stack frames in a record.
const STACK_FRAMES: usize = 32;

/// Drops: the newer tracepoint names the receiving socket.
const DROPS: [Rung; 2] = [
    Rung { program: "dropwatch_receiver", hook: Hook::TpBtf("kfree_skb") },
    Rung { program: "dropwatch_plain", hook: Hook::TpBtf("kfree_skb") },
];
const NEW_OWNERS: [Rung; 1] = [Rung { program: "dropwatch_owner_create", hook: Hook::CgroupSockCreate }];
const OLD_OWNERS: [Rung; 1] = [Rung { program: "dropwatch_owner_existing", hook: Hook::IterTaskFile }];

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many drops a second become records, for each reason.
    pub rate: Rate,
    /// Names of reasons that are no losses.
    pub ignored_reasons: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        // The last one is what a closing socket had not read; for a TCP socket that is nearly always the bare FIN.
        let ignored = ["NOT_DROPPED_YET", "CONSUMED", "NOT_SPECIFIED", "QUEUE_PURGE"];
        Self { rate: Rate { per_second: 100, burst: 200 }, ignored_reasons: ignored.map(str::to_owned).to_vec() }
    }
}

/// One dropped packet; `struct drop` of record.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
pub struct Drop {
    /// When and where it was written.
    pub header: Header,
    /// The kernel address that freed the packet.
    pub location: u64,
    /// Number of the reason; [`Reasons`] has the names.
    pub reason: u32,
    /// Inode of the network namespace, 0 when unknown.
    pub netns: u32,
    /// Index of the device, 0 when unknown.
    pub ifindex: u32,
    /// Length of the packet from its network header on; of what was left of it when that is not known.
    pub packet_bytes: u32,
    /// EtherType, 0 when not set yet.
    pub ether_type: u16,
    /// Source port, 0 when there is none.
    pub source_port: u16,
    /// Destination port, 0 when there is none.
    pub destination_port: u16,
    /// 4, 6, or 0 when no IP header could be read.
    pub ip_version: u8,
    /// IP protocol number.
    pub protocol: u8,
    source: [u8; 16],
    destination: [u8; 16],
    device: [u8; 16],
    owner: RawOwner,
    owner_rung: u32,
    stack_bytes: i32,
    stack: [u64; STACK_FRAMES],
}

const _: () = assert!(size_of::<Drop>() == 408, "record.h has the same assertion");

impl Drop {
    /// Source address, when an IP header could be read.
    pub fn source(&self) -> Option<std::net::IpAddr> {
        address(self.ip_version, self.source)
    }

    /// Destination address, when an IP header could be read.
    pub fn destination(&self) -> Option<std::net::IpAddr> {
        address(self.ip_version, self.destination)
    }

    /// Name of the device, empty when unknown.
    pub fn device(&self) -> String {
        text(&self.device)
    }

    /// Whose it was.
    pub fn owner(&self) -> Owner {
        self.owner.found_by(self.owner_rung)
    }

    /// Kernel addresses, innermost first.
    pub fn stack(&self) -> &[u64] {
        let frames = usize::try_from(self.stack_bytes).unwrap_or(0) / 8;
        &self.stack[..frames.min(STACK_FRAMES)]
    }
}

/// The open probe.
pub struct Dropwatch {
    object: Object,
    ring: Ring,
    counters: CounterMap,
    buckets: Buckets,
    malformed: u64,
    reasons: Reasons,
    features: Vec<Ladder>,
    maps: Vec<MapSize>,
}

impl Dropwatch {
    /// Loads and attaches it; needs a tokio runtime. Owners are a feature of their own: without them drops are still
    /// seen.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, settings: Settings) -> Result<Self, OpenError> {
        let reasons = Reasons::of_kernel(btf::KERNEL);
        let mut object = kernel.load(crate::object_bytes!("dropwatch"))?;
        let maps = object.map_sizes();
        let mut buckets: Buckets = object.take("dropwatch_buckets")?;
        buckets.set(settings.rate).map_err(|source| OpenError::Map { name: "dropwatch_buckets", source })?;
        let mut ignored: Array<MapData, [u64; 4]> = object.take("dropwatch_ignored")?;
        let mask = reasons.mask(&settings.ignored_reasons);
        ignored.set(0, mask, 0).map_err(|source| OpenError::Map { name: "dropwatch_ignored", source })?;
        let counters = CounterMap(object.take("dropwatch_counters")?);
        let ring = Ring::new(object.take::<RingBuf<MapData>>("dropwatch_ring")?)?;
        // Owners first, so that the first drop can already have one.
        let owners = object.climb(kernel, "owners of new sockets", &NEW_OWNERS);
        let existing = object.climb(kernel, "owners of existing sockets", &OLD_OWNERS);
        let drops = object.climb(kernel, "drops", &DROPS);
        if drops.live().is_none() {
            return Err(OpenError::NoHook(drops.failures()));
        }
        let features = vec![drops, owners, existing];
        Ok(Self { object, ring, counters, buckets, malformed: 0, reasons, features, maps })
    }

    /// Names of reasons on this kernel.
    pub fn reasons(&self) -> &Reasons {
        &self.reasons
    }

    /// Waits until there may be drops.
    ///
    /// # Errors
    /// When the ring can no longer be watched.
    pub async fn readable(&mut self) -> std::io::Result<()> {
        self.ring.readable().await
    }

    /// Hands every drop that is there to `take`, oldest first.
    pub fn drain(&mut self, mut take: impl FnMut(&Drop)) {
        let malformed = &mut self.malformed;
        self.ring.drain(|bytes| match Drop::ref_from_prefix(bytes) {
            Ok((drop, _)) if drop.header.version == VERSION => take(drop),
            _ => *malformed += 1,
        });
    }
}

impl Probe for Dropwatch {
    fn report(&self) -> Report {
        Report { probe: "dropwatch", features: self.features.clone(), maps: self.maps.clone(), exact: true }
    }

    fn control(&mut self) -> &mut dyn Control {
        self
    }
}

impl Control for Dropwatch {
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
    }
}
