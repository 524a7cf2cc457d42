//! One late packet.

use std::net::IpAddr;

use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::fields::{address, text};
use crate::owner::{Owner, RawOwner};
use crate::ring::Header;

/// Where a packet had come to when it was late; `enum stage` of record.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Handed from the device to the network stack.
    Device,
    /// Taken by its TCP connection.
    Tcp,
    /// Copied to the process that reads.
    UserCopy,
}

impl Stage {
    /// All, in the order of a packet's way.
    pub const ALL: [Self; 3] = [Self::Device, Self::Tcp, Self::UserCopy];

    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Tcp => "tcp",
            Self::UserCopy => "user copy",
        }
    }
}

/// One late packet; `struct receive_delay` of record.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
pub struct Delay {
    /// When and where it was written.
    pub header: Header,
    /// Time since the packet was stamped, in nanoseconds.
    pub latency_ns: u64,
    stage: u32,
    /// Inode of the network namespace, 0 when unknown.
    pub netns: u32,
    /// Index of the device it came in by, 0 when unknown.
    pub ifindex: u32,
    /// Length of what was left of the packet at this stage.
    pub packet_bytes: u32,
    /// Source port, 0 when there is none.
    pub source_port: u16,
    /// Destination port, 0 when there is none.
    pub destination_port: u16,
    /// 4, 6, or 0 when no IP header could be read.
    pub ip_version: u8,
    /// IP protocol number.
    pub protocol: u8,
    tcp_state: u8,
    reserved: u8,
    source: [u8; 16],
    destination: [u8; 16],
    device: [u8; 16],
    owner: RawOwner,
    owner_rung: u32,
    reserved2: u32,
}

const _: () = assert!(size_of::<Delay>() == 152, "record.h has the same assertion");

/// TCP states by the kernel's numbers, in the words of RFC 9293.
const TCP_STATES: [&str; 12] = [
    "established",
    "syn_sent",
    "syn_received",
    "fin_wait_1",
    "fin_wait_2",
    "time_wait",
    "closed",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
    "syn_received",
];

impl Delay {
    /// Where it was late; `None` for a stage that this reader does not know.
    pub fn stage(&self) -> Option<Stage> {
        Stage::ALL.get(self.stage as usize).copied()
    }

    /// Source address, when an IP header could be read.
    pub fn source(&self) -> Option<IpAddr> {
        address(self.ip_version, self.source)
    }

    /// Destination address, when an IP header could be read.
    pub fn destination(&self) -> Option<IpAddr> {
        address(self.ip_version, self.destination)
    }

    /// State of its TCP socket.
    pub fn tcp_state(&self) -> Option<&'static str> {
        TCP_STATES.get(usize::from(self.tcp_state).checked_sub(1)?).copied()
    }

    /// Name of the device; only the first stage sees it.
    pub fn device(&self) -> Option<String> {
        Some(text(&self.device)).filter(|name| !name.is_empty())
    }

    /// Whose it was.
    pub fn owner(&self) -> Owner {
        self.owner.found_by(self.owner_rung)
    }
}
