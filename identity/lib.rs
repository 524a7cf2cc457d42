//! Who is behind a cgroup: a container, or nobody in particular.
//!
//! The kernel knows cgroups by the inode of their directory; [`CgroupFs`] turns that into a path in one system call,
//! and [`Container`] reads container id and pod uid out of the path. No runtime is asked. [`Containers`] remembers who
//! was behind a cgroup for a while after it is gone: it is told of each that comes and goes, or looks around itself.

mod accounting;
mod cache;
mod cgroup;
mod container;
mod inventory;
mod memory;

pub use accounting::{Cpu, Memory};
pub use cache::{AT_MOST, Containers, KEPT_AFTER_END};
pub use cgroup::{CgroupFs, CgroupKey, Hierarchy};
pub use container::{Container, Runtime};
pub use inventory::{ContainerCgroups, Inventory};
pub use memory::MemoryLimit;

#[cfg(test)]
mod cache_tests;
#[cfg(test)]
mod tests;
