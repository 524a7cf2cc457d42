//! Run-queue latency of the host: how long tasks that could run waited for a CPU.
//!
//! Hooks: `sched_wakeup`, `sched_wakeup_new`, `sched_switch`. Folded in the kernel; user space only reads sums.

use aya::maps::{MapData, PerCpuArray};

use crate::counters::Counters;
use crate::histogram::{self, Histogram, Slots};
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, Object, OpenError};
use crate::probe::Probe;

#[cfg(test)]
mod tests;

const HOOKS: [(&str, Rung); 3] = [
    ("wake-ups", Rung { program: "runqlat_wakeup", hook: Hook::TpBtf("sched_wakeup") }),
    ("new tasks", Rung { program: "runqlat_wakeup_new", hook: Hook::TpBtf("sched_wakeup_new") }),
    ("switches", Rung { program: "runqlat_switch", hook: Hook::TpBtf("sched_switch") }),
];

/// The open probe.
pub struct Runqlat {
    object: Object,
    host: PerCpuArray<MapData, Slots>,
    unstamped: PerCpuArray<MapData, u64>,
}

impl Runqlat {
    /// Loads and attaches it. All three hooks are needed: without one of them the numbers would be wrong.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel) -> Result<Self, OpenError> {
        let mut object = kernel.load("runqlat", crate::object_bytes!("runqlat"))?;
        let (host, unstamped) = (object.take("runqlat_host")?, object.take("runqlat_unstamped")?);
        object.climb_all(kernel, &HOOKS)?;
        Ok(Self { object, host, unstamped })
    }

    /// The waits of all tasks of the host since the probe was opened.
    ///
    /// # Errors
    /// When the kernel does not give the map's values.
    pub fn host(&self) -> Result<Histogram, OpenError> {
        histogram::read(&self.host, 0).map_err(OpenError::of_map("runqlat_host"))
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
