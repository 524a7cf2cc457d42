//! Softirq latency of the host: how long raised softirqs waited for their handler.
//!
//! Hooks: `irq:softirq_raise`, `irq:softirq_entry`. Folded in the kernel; user space only reads sums.

use aya::maps::{MapData, PerCpuArray};

use crate::counters::{Counters, Rate};
use crate::histogram::{self, Histogram, Slots};
use crate::object::{Hook, Kernel, Ladder, Object, OpenError, Rung};
use crate::probe::{Control, Cost, MapSize, Probe, Report};

#[cfg(test)]
mod tests;

/// Softirqs by number, as in /proc/softirqs.
pub const NAMES: [&str; 10] =
    ["HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"];

const HOOKS: [(&str, Rung); 2] = [
    ("raised", Rung { program: "softirq_raise", hook: Hook::TpBtf("softirq_raise") }),
    ("handled", Rung { program: "softirq_entry", hook: Hook::TpBtf("softirq_entry") }),
];

/// The open probe.
pub struct Softirq {
    object: Object,
    latency: PerCpuArray<MapData, Slots>,
    features: Vec<Ladder>,
    maps: Vec<MapSize>,
}

impl Softirq {
    /// Loads and attaches it. Both hooks are needed.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel) -> Result<Self, OpenError> {
        let mut object = kernel.load(crate::object_bytes!("softirq"))?;
        let maps = object.map_sizes();
        let latency = object.take("softirq_latency")?;
        let features = object.climb_all(kernel, &HOOKS)?;
        Ok(Self { object, latency, features, maps })
    }

    /// The latencies of one softirq (an index of [`NAMES`]) since the probe was opened.
    ///
    /// # Errors
    /// When the kernel does not give the map's values.
    pub fn latency(&self, vector: u32) -> Result<Histogram, OpenError> {
        histogram::read(&self.latency, vector).map_err(|source| OpenError::Map { name: "softirq_latency", source })
    }
}

impl Probe for Softirq {
    fn report(&self) -> Report {
        Report { probe: "softirq", features: self.features.clone(), maps: self.maps.clone(), exact: true }
    }

    fn control(&mut self) -> &mut dyn Control {
        self
    }
}

impl Control for Softirq {
    fn cost(&self) -> Cost {
        self.object.cost()
    }

    fn counters(&self) -> Counters {
        Counters { misses: self.cost().misses, ..Counters::default() }
    }

    fn set_rate(&mut self, _: Rate) -> bool {
        false
    }

    fn detach(&mut self) {
        self.object.detach();
    }
}
