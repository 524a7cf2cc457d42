//! The kernel's latency histograms; the same layout as `include/histogram.h`.

use aya::maps::PerCpuValues;

/// Exponent of the first step: values up to 2^10 ns share slot 0.
const FIRST_EXPONENT: u32 = 10;
/// Exponent of the last step: values above 2^34 ns share the last slot.
const LAST_EXPONENT: u32 = 33;
/// One below the first step, two per step, one above the last.
pub(crate) const SLOTS: usize = (1 + 2 * (LAST_EXPONENT - FIRST_EXPONENT + 1) + 1) as usize;

/// The upper bound of every slot but the last, in nanoseconds, inclusive and ascending.
pub const fn bounds_ns() -> [u64; SLOTS - 1] {
    let mut bounds = [1 << FIRST_EXPONENT; SLOTS - 1];
    let mut slot = 1;
    while slot < SLOTS - 1 {
        let step = (slot as u64 - 1) / 2;
        let halves = 3 + (slot as u64 - 1) % 2;
        bounds[slot] = (halves << (FIRST_EXPONENT as u64 + step)) / 2;
        slot += 1;
    }
    bounds
}

/// A histogram as read: exact counts and sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Sum of all values, in nanoseconds.
    pub sum_ns: u64,
    /// Values per slot: the bounds of [`bounds_ns`], then everything above.
    pub counts: [u64; SLOTS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { sum_ns: 0, counts: [0; SLOTS] }
    }
}

impl Histogram {
    /// Adds the values of another one.
    pub fn add(&mut self, other: &Self) {
        self.sum_ns += other.sum_ns;
        self.counts.iter_mut().zip(other.counts).for_each(|(total, count)| *total += count);
    }

    /// Adds the values that came between two readings.
    pub fn add_since(&mut self, now: &Self, before: &Self) {
        self.sum_ns += now.sum_ns.saturating_sub(before.sum_ns);
        let since = now.counts.iter().zip(before.counts).map(|(now, before)| now.saturating_sub(before));
        self.counts.iter_mut().zip(since).for_each(|(total, count)| *total += count);
    }

    /// How many values it holds.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// `struct histogram` of histogram.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Slots {
    sum_ns: u64,
    slots: [u64; SLOTS],
}

// SAFETY: 64-bit numbers without padding; every bit pattern is valid.
unsafe impl aya::Pod for Slots {}

impl From<Slots> for Histogram {
    fn from(slots: Slots) -> Self {
        Self { sum_ns: slots.sum_ns, counts: slots.slots }
    }
}

impl Default for Slots {
    fn default() -> Self {
        Self { sum_ns: 0, slots: [0; SLOTS] }
    }
}

/// Sums one histogram over all CPUs.
pub(crate) fn sum(per_cpu: PerCpuValues<Slots>) -> Histogram {
    let mut sum = Histogram::default();
    for cpu in per_cpu.iter() {
        sum.sum_ns += cpu.sum_ns;
        sum.counts.iter_mut().zip(cpu.slots).for_each(|(total, slot)| *total += slot);
    }
    sum
}
