//! Softirq latency of the host: how long raised softirqs waited for their handler.
//!
//! Hooks: `irq:softirq_raise`, `irq:softirq_entry`. Folded in the kernel; user space only reads sums.

use aya::maps::{MapData, PerCpuArray};

use crate::counters::Counters;
use crate::histogram::{self, Histogram, Slots};
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, Object, OpenError};
use crate::probe::Probe;

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
}

impl Softirq {
    /// Loads and attaches it. Both hooks are needed.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel) -> Result<Self, OpenError> {
        let mut object = kernel.load("softirq", crate::object_bytes!("softirq"))?;
        let latency = object.take("softirq_latency")?;
        object.climb_all(kernel, &HOOKS)?;
        Ok(Self { object, latency })
    }

    /// The latencies of one softirq (an index of [`NAMES`]) since the probe was opened.
    ///
    /// # Errors
    /// When the kernel does not give the map's values.
    pub fn latency(&self, vector: u32) -> Result<Histogram, OpenError> {
        self.latency.get(&vector, 0).map(histogram::sum).map_err(OpenError::of_map("softirq_latency"))
    }
}

impl Probe for Softirq {
    fn object(&self) -> &Object {
        &self.object
    }

    fn object_mut(&mut self) -> &mut Object {
        &mut self.object
    }

    fn counters(&self) -> Counters {
        Counters { misses: self.cost().misses, ..Counters::default() }
    }
}
