//! Packets that the kernel dropped: why, which, where, whose.
//!
//! Hook: `skb:kfree_skb` with its reason; on kernels since 6.11 it names the receiving socket. The owner comes from
//! the socket (see `owner.h`), never from the task that happens to run.

use aya::maps::{Array, MapData, RingBuf};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::btf;
use crate::counters::{Buckets, CounterMap, Counters, Rate};
use crate::object::{Hook, Kernel, Ladder, Object, OpenError, Rung};
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

/// `struct owner` of owner.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
struct RawOwner {
    cgroup: u64,
    v1_cgroup: u64,
    pid: u32,
    reserved: u32,
    comm: [u8; 16],
}

/// Whose packet it was, and how that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nothing is known.
    Nobody,
    /// The process that created the socket.
    Socket {
        /// Its thread group id in the root pid namespace.
        pid: u32,
        /// Its name when it created the socket.
        comm: String,
        /// Its cgroups then.
        cgroups: Cgroups,
    },
    /// Only the cgroup the socket was created in.
    SocketCgroup(Cgroups),
    /// Only the network namespace.
    NetworkNamespace,
}

/// Ids of cgroups, which are the inodes of their directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cgroups {
    /// In the unified hierarchy.
    pub unified: u64,
    /// In the v1 memory hierarchy, where memory is on v1.
    pub v1_memory: Option<u64>,
}

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
        let v1_memory = Some(self.owner.v1_cgroup).filter(|id| *id != 0);
        let cgroups = Cgroups { unified: self.owner.cgroup, v1_memory };
        match self.owner_rung {
            1 => Owner::Socket { pid: self.owner.pid, comm: text(&self.owner.comm), cgroups },
            2 => Owner::SocketCgroup(cgroups),
            3 => Owner::NetworkNamespace,
            _ => Owner::Nobody,
        }
    }

    /// Kernel addresses, innermost first.
    pub fn stack(&self) -> &[u64] {
        let frames = usize::try_from(self.stack_bytes).unwrap_or(0) / 8;
        &self.stack[..frames.min(STACK_FRAMES)]
    }
}

fn address(version: u8, bytes: [u8; 16]) -> Option<std::net::IpAddr> {
    match version {
        4 => Some([bytes[0], bytes[1], bytes[2], bytes[3]].into()),
        6 => Some(bytes.into()),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
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
