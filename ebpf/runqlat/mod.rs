//! Run-queue latency of the host: how long tasks that could run waited for a CPU.
//!
//! Hooks: `sched_wakeup`, `sched_wakeup_new`, `sched_switch`. Folded in the kernel; user space only reads sums.

use aya::maps::{MapData, PerCpuArray};

use crate::counters::{Counters, Rate};
use crate::histogram::{self, Histogram, Slots};
use crate::object::{Hook, Kernel, Ladder, Object, OpenError, Rung};
use crate::probe::{Control, Cost, MapSize, Probe, Report};

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
    features: Vec<Ladder>,
    maps: Vec<MapSize>,
}

impl Runqlat {
    /// Loads and attaches it. All three hooks are needed: without one of them the numbers would be wrong.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel) -> Result<Self, OpenError> {
        let mut object = kernel.load(crate::object_bytes!("runqlat"))?;
        let maps = object.map_sizes();
        let (host, unstamped) = (object.take("runqlat_host")?, object.take("runqlat_unstamped")?);
        let features = object.climb_all(kernel, &HOOKS)?;
        Ok(Self { object, host, unstamped, features, maps })
    }

    /// The waits of all tasks of the host since the probe was opened.
    ///
    /// # Errors
    /// When the kernel does not give the map's values.
    pub fn host(&self) -> Result<Histogram, OpenError> {
        histogram::read(&self.host, 0).map_err(|source| OpenError::Map { name: "runqlat_host", source })
    }
}

impl Probe for Runqlat {
    fn report(&self) -> Report {
        Report { probe: "runqlat", features: self.features.clone(), maps: self.maps.clone(), exact: true }
    }

    fn control(&mut self) -> &mut dyn Control {
        self
    }
}

impl Control for Runqlat {
    fn cost(&self) -> Cost {
        self.object.cost()
    }

    /// `lost` are wake-ups for whose stamp the kernel had no memory; waits are counted, so nothing is `sent`.
    fn counters(&self) -> Counters {
        let lost = self.unstamped.get(&0, 0).map_or(0, |per_cpu| per_cpu.iter().sum());
        Counters { lost, misses: self.cost().misses, ..Counters::default() }
    }

    fn set_rate(&mut self, _: Rate) -> bool {
        false
    }

    fn detach(&mut self) {
        self.object.detach();
    }
}
