//! Run-queue latency of the host: how long tasks that could run waited for a CPU.
//!
//! Hooks: `sched_wakeup`, `sched_wakeup_new`, `sched_switch`. Folded in the kernel, for the host and for chosen cgroups; user
//! space only reads sums.

use aya::maps::{MapData, PerCpuArray, PerCpuHashMap, PerCpuValues};
use aya::util::nr_cpus;

use crate::counters::Counters;
use crate::histogram::{self, Histogram, Slots};
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, Object, OpenError};
use crate::probe::Probe;

#[cfg(test)]
mod tests;

const WAKE_UPS: [(&str, Rung); 2] = [
    ("wake-ups", Rung { program: "runqlat_wakeup", hook: Hook::TpBtf("sched_wakeup") }),
    ("new tasks", Rung { program: "runqlat_wakeup_new", hook: Hook::TpBtf("sched_wakeup_new") }),
];

/// Whose waits are counted apart from the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Apart {
    /// Nobody's: the cheapest.
    #[default]
    Nobody,
    /// Those of chosen cgroups in the unified hierarchy.
    UnifiedCgroups,
    /// Those of chosen cgroups in the v1 memory hierarchy.
    V1Cgroups,
}

impl Apart {
    fn switches(self) -> Rung {
        let program = match self {
            Self::Nobody => "runqlat_switch",
            Self::UnifiedCgroups => "runqlat_switch_unified",
            Self::V1Cgroups => "runqlat_switch_v1",
        };
        Rung { program, hook: Hook::TpBtf("sched_switch") }
    }
}

/// The open probe.
pub struct Runqlat {
    object: Object,
    host: PerCpuArray<MapData, Slots>,
    cgroups: PerCpuHashMap<MapData, u64, Slots>,
    unstamped: PerCpuArray<MapData, u64>,
}

impl Runqlat {
    /// Loads and attaches it. All three hooks are needed: without one of them the numbers would be wrong.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, apart: Apart) -> Result<Self, OpenError> {
        let mut object = kernel.load("runqlat", crate::object_bytes!("runqlat"))?;
        let (host, cgroups) = (object.take("runqlat_host")?, object.take("runqlat_cgroups")?);
        let unstamped = object.take("runqlat_unstamped")?;
        object.climb_all(kernel, &WAKE_UPS)?;
        object.must_climb(kernel, "switches", &[apart.switches()])?;
        Ok(Self { object, host, cgroups, unstamped })
    }

    /// The waits of all tasks of the host since the probe was opened.
    ///
    /// # Errors
    /// When the kernel does not give the map's values.
    pub fn host(&self) -> Result<Histogram, OpenError> {
        self.host.get(&0, 0).map(histogram::sum).map_err(OpenError::of_map("runqlat_host"))
    }

    /// Begins to count the waits in a cgroup apart, from 0.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn watch(&mut self, cgroup: u64) -> Result<(), OpenError> {
        let cpus = nr_cpus().map_err(|(_, error)| error)?;
        let empty = PerCpuValues::try_from(vec![Slots::default(); cpus])?;
        self.cgroups.insert(cgroup, empty, 0).map_err(OpenError::of_map("runqlat_cgroups"))
    }

    /// The waits in a watched cgroup since [`Self::watch`].
    ///
    /// # Errors
    /// When the kernel does not give the map's values.
    pub fn cgroup(&self, cgroup: u64) -> Result<Histogram, OpenError> {
        self.cgroups.get(&cgroup, 0).map(histogram::sum).map_err(OpenError::of_map("runqlat_cgroups"))
    }

    /// Ends what [`Self::watch`] began, and gives the last values.
    ///
    /// # Errors
    /// When it is not watched.
    pub fn unwatch(&mut self, cgroup: u64) -> Result<Histogram, OpenError> {
        let last = self.cgroup(cgroup)?;
        self.cgroups.remove(&cgroup).map_err(OpenError::of_map("runqlat_cgroups"))?;
        Ok(last)
    }
}

impl Probe for Runqlat {
    fn object(&self) -> &Object {
        &self.object
    }

    fn object_mut(&mut self) -> &mut Object {
        &mut self.object
    }

    /// `lost` are wake-ups for whose stamp the kernel had no memory; waits are counted, so nothing is `sent`.
    fn counters(&self) -> Counters {
        let lost = self.unstamped.get(&0, 0).map_or(0, |per_cpu| per_cpu.iter().sum());
        Counters { lost, misses: self.cost().misses, ..Counters::default() }
    }
}
