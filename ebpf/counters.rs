//! Where events went. `fired = filtered + limited + lost + sent`, always.

use std::time::Duration;

use aya::maps::{Array, MapData, PerCpuArray};

/// The number of counters in the kernel (`enum counter` in event.h).
const COUNTERS: u32 = 5;

/// Counts of one probe since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The hook ran.
    pub fired: u64,
    /// No event by the configuration.
    pub filtered: u64,
    /// Over the rate.
    pub limited: u64,
    /// The ring was full.
    pub lost: u64,
    /// Written into the ring.
    pub sent: u64,
    /// Skipped by the kernel: the program was already running on that CPU. Not part of `fired`.
    pub misses: u64,
    /// Read from the ring with a layout that this reader does not know. Part of `sent`.
    pub malformed: u64,
}

/// The per-CPU counters of a probe, to read.
pub(crate) struct CounterMap(pub PerCpuArray<MapData, u64>);

impl CounterMap {
    /// Sums over all CPUs.
    pub fn read(&self) -> Counters {
        let mut values = [0; COUNTERS as usize];
        for (index, value) in (0..COUNTERS).zip(&mut values) {
            *value = self.0.get(&index, 0).map_or(0, |per_cpu| per_cpu.iter().sum());
        }
        let [fired, filtered, limited, lost, sent] = values;
        Counters { fired, filtered, limited, lost, sent, misses: 0, malformed: 0 }
    }
}

/// How many events may pass: `per_second` on average, `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Events a second; 0 lets everything pass.
    pub per_second: u32,
    /// Events at once, at least 1.
    pub burst: u32,
}

/// `struct token_bucket` of event.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct TokenBucket {
    ns_per_token: u64,
    burst: i64,
    tokens: i64,
    refilled_ns: u64,
    tick: u64,
}

// SAFETY: five 64-bit numbers without padding; every bit pattern is valid.
unsafe impl aya::Pod for TokenBucket {}

/// The token buckets of a probe, one per class of event.
pub(crate) struct Buckets(Array<MapData, TokenBucket>);

impl Buckets {
    /// Every bucket starts anew, full. Also while programs run.
    pub fn set(&mut self, rate: Rate) -> Result<(), aya::maps::MapError> {
        let second = Duration::from_secs(1).as_nanos() as u64;
        let bucket = TokenBucket {
            ns_per_token: second.checked_div(rate.per_second.into()).unwrap_or(0),
            burst: rate.burst.max(1).into(),
            tokens: rate.burst.max(1).into(),
            refilled_ns: 0,
            tick: 0,
        };
        (0..self.0.len()).try_for_each(|class| self.0.set(class, bucket, 0))
    }
}

impl TryFrom<aya::maps::Map> for Buckets {
    type Error = aya::maps::MapError;

    fn try_from(map: aya::maps::Map) -> Result<Self, Self::Error> {
        Ok(Self(Array::try_from(map)?))
    }
}
