//! Packets that the kernel dropped: why, which, where, whose.
//!
//! Hook: `skb:kfree_skb` with its reason; on kernels since 6.11 it names the receiving socket. The owner comes from
//! the socket (see `owner.h`), never from the task that happens to run.

use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::btf;
use crate::counters::Rate;
use crate::events::{EventProbe, Events, Record};
use crate::fields::{address, text};
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, OpenError};
use crate::owner::{Owner, RawOwner};
use crate::probe::Probe;
use crate::ring::Header;

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

impl Record for Drop {
    fn header(&self) -> &Header {
        &self.header
    }
}

/// The open probe.
pub struct Dropwatch {
    events: Events<Drop>,
    reasons: Reasons,
}

impl Dropwatch {
    /// Loads and attaches it; needs a tokio runtime. Owners are a feature of their own: without them drops are still
    /// seen.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, settings: Settings) -> Result<Self, OpenError> {
        let reasons = Reasons::of_kernel(btf::KERNEL);
        let mut events = Events::load(kernel, "dropwatch", crate::object_bytes!("dropwatch"), settings.rate)?;
        // Open until the programs that use it are loaded.
        let _ignored = events.array("dropwatch_ignored", reasons.mask(&settings.ignored_reasons))?;
        let mut probe = Self { events, reasons };
        let object = probe.object_mut();
        // Owners first, so that the first drop can already have one.
        object.climb(kernel, "owners of new sockets", &NEW_OWNERS);
        object.climb(kernel, "owners of existing sockets", &OLD_OWNERS);
        object.must_climb(kernel, "drops", &DROPS)?;
        Ok(probe)
    }

    /// Names of reasons on this kernel.
    pub fn reasons(&self) -> &Reasons {
        &self.reasons
    }
}

impl EventProbe for Dropwatch {
    type Record = Drop;

    fn events(&self) -> &Events<Drop> {
        &self.events
    }

    fn events_mut(&mut self) -> &mut Events<Drop> {
        &mut self.events
    }
}
