//! Who is behind a cgroup: a container, or nobody in particular.
//!
//! The kernel knows cgroups by the inode of their directory; [`CgroupFs`] turns that into a path in one system call,
//! and [`Container`] reads container id and pod uid out of the path. No runtime is asked.

mod accounting;
mod cgroup;
mod container;
mod inventory;
mod memory;

pub use accounting::{Cpu, Memory};
pub use cgroup::CgroupFs;
pub use container::{Container, Runtime};
pub use inventory::{ContainerCgroups, Inventory};
pub use memory::MemoryLimit;

use std::collections::HashMap;

/// Answers kept; a node has a few hundred containers.
const KEPT: usize = 4096;

/// Containers by cgroup id, with a bounded memory.
#[derive(Debug)]
pub struct Containers {
    cgroups: CgroupFs,
    known: HashMap<(u64, Option<u64>), Option<Container>>,
}

impl Containers {
    /// Finds the mounted hierarchies of this host.
    pub fn of_host() -> Self {
        Self { cgroups: CgroupFs::mounted(), known: HashMap::new() }
    }

    /// The container behind a cgroup of the unified hierarchy, or of the v1 memory hierarchy where a process was
    /// never moved in the unified one (hybrid hosts). `None` outside containers and for cgroups that are gone.
    pub fn find(&mut self, unified: u64, v1_memory: Option<u64>) -> Option<Container> {
        if let Some(known) = self.known.get(&(unified, v1_memory)) {
            return known.clone();
        }
        let by_unified = self.cgroups.unified_path(unified).and_then(|path| Container::in_path(&path));
        let by_memory = || Container::in_path(&self.cgroups.v1_memory_path(v1_memory?)?);
        let found = by_unified.or_else(by_memory);
        if self.known.len() >= KEPT {
            // Rare, and cheap to build again: simpler than an order of use.
            self.known.clear();
        }
        // Ids are never used twice while the host runs, so an answer stays true.
        if found.is_some() {
            self.known.insert((unified, v1_memory), found.clone());
        }
        found
    }
}

#[cfg(test)]
mod tests;
