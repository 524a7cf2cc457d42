//! Cgroups that come and go, with their paths, so that who was behind one is still known when it is gone.
//!
//! Hooks: `cgroup:cgroup_mkdir` and `cgroup:cgroup_rmdir`, in the unified hierarchy and in the v1 memory hierarchy. The
//! first fires before any process can be in the cgroup, so its record is there before any other event of it.

use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::counters::Rate;
use crate::events::{EventProbe, Events, Record};
use crate::fields::text;
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, OpenError};
use crate::probe::Probe;
use crate::ring::Header;

#[cfg(test)]
mod tests;

const HOOKS: [(&str, Rung); 2] = [
    ("made", Rung { program: "cgroups_made", hook: Hook::TpBtf("cgroup_mkdir") }),
    ("removed", Rung { program: "cgroups_removed", hook: Hook::TpBtf("cgroup_rmdir") }),
];

/// `enum change_kind` of probe.bpf.c.
const MADE: u16 = 1;
const REMOVED: u16 = 2;

/// A cgroup that came or went; `struct cgroup_change` of probe.bpf.c, up to the path.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
pub struct Change {
    header: Header,
    id: u64,
    v1_memory: u32,
    length: u32,
}

const _: () = assert!(size_of::<Change>() == 40, "probe.bpf.c has the same assertion");

impl Change {
    /// The cgroup's id, within its hierarchy.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether it is in the v1 memory hierarchy, else in the unified one.
    pub fn is_in_v1_memory(&self) -> bool {
        self.v1_memory != 0
    }

    /// Whether it is gone; otherwise it is new.
    pub fn is_removed(&self) -> bool {
        self.header.kind == REMOVED
    }
}

impl Record for Change {
    fn header(&self) -> &Header {
        &self.header
    }

    fn is_known(&self) -> bool {
        matches!(self.header.kind, MADE | REMOVED)
    }
}

/// The open probe.
pub struct CgroupChanges(Events<Change>);

impl CgroupChanges {
    /// Loads and attaches it; needs a tokio runtime.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel) -> Result<Self, OpenError> {
        let unlimited = Rate { per_second: 0, burst: 1 };
        let mut probe = Self(Events::load(kernel, "cgroups", crate::object_bytes!("cgroups"), unlimited)?);
        probe.object_mut().climb_all(kernel, &HOOKS)?;
        Ok(probe)
    }

    /// Hands every change that is there to `take`, oldest first, with the path below the hierarchy's root.
    pub fn drain_changes(&mut self, mut take: impl FnMut(&Change, &str)) {
        self.0.drain(|change, path| take(change, &text(path)));
    }

    /// How many changes it did not tell of so far.
    pub fn untold(&self) -> u64 {
        let counters = self.counters();
        counters.lost + counters.limited + counters.misses + counters.malformed
    }
}

impl EventProbe for CgroupChanges {
    type Record = Change;

    fn events(&self) -> &Events<Change> {
        &self.0
    }

    fn events_mut(&mut self) -> &mut Events<Change> {
        &mut self.0
    }
}
