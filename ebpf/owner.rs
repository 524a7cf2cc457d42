//! Whose event it was, and how that was found.

use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::fields::text;

/// `struct owner` of owner.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
pub(crate) struct RawOwner {
    cgroup: u64,
    v1_cgroup: u64,
    pub pid: u32,
    reserved: u32,
    comm: [u8; 16],
}

/// Whose event it was, and how that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nothing is known.
    Nobody,
    /// The process that created the socket.
    Socket(Task),
    /// Only the cgroup the socket was created in.
    SocketCgroup(Cgroups),
    /// Only the network namespace.
    NetworkNamespace,
    /// The process that ran, in a context of its own.
    Process(Task),
}

/// A process as it was when the kernel wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its thread group id in the root pid namespace.
    pub pid: u32,
    /// Its name.
    pub comm: String,
    /// Its cgroups.
    pub cgroups: Cgroups,
}

/// Ids of cgroups, which are the inodes of their directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cgroups {
    /// In the unified hierarchy.
    pub unified: u64,
    /// In the v1 memory hierarchy, where memory is on v1.
    pub v1_memory: Option<u64>,
}

impl RawOwner {
    /// The process that it describes.
    pub fn task(&self) -> Task {
        Task { pid: self.pid, comm: text(&self.comm), cgroups: self.cgroups() }
    }

    fn cgroups(&self) -> Cgroups {
        Cgroups { unified: self.cgroup, v1_memory: Some(self.v1_cgroup).filter(|id| *id != 0) }
    }

    /// What it means, by `enum owner_rung`.
    pub fn found_by(&self, rung: u32) -> Owner {
        match rung {
            1 => Owner::Socket(self.task()),
            2 => Owner::SocketCgroup(self.cgroups()),
            3 => Owner::NetworkNamespace,
            4 => Owner::Process(self.task()),
            _ => Owner::Nobody,
        }
    }
}

impl Owner {
    /// Its cgroups, if it has any.
    pub fn cgroups(&self) -> Option<Cgroups> {
        match self {
            Self::Socket(task) | Self::Process(task) => Some(task.cgroups),
            Self::SocketCgroup(cgroups) => Some(*cgroups),
            Self::NetworkNamespace | Self::Nobody => None,
        }
    }
}
