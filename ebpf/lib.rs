//! The kernel side: one folder per probe with its BPF program in C and its typed reader.
//!
//! This crate knows nothing of OpenTelemetry. A probe is opened on a [`Kernel`], climbs its ladder of hooks and takes
//! the first that attaches; what was tried and why it failed is in its [`Report`]. Event probes write records into one
//! ring each ([`Ring`]) behind a token bucket in the kernel; every event is accounted for in its [`Counters`].
//! A new probe is a new folder and one row in [`PROBES`]; `docs/adding-a-probe.md` walks through it.

mod btf;
pub mod cgroups;
mod clock;
mod cost;
mod counters;
mod cpu_clock;
pub mod dropwatch;
mod events;
mod fdinfo;
mod fields;
mod histogram;
#[cfg(test)]
mod histogram_tests;
mod ladder;
pub mod netrecvlat;
mod object;
pub mod oom;
mod owner;
mod probe;
pub mod profile;
mod ring;
pub mod runqlat;
pub mod sockets;
pub mod softirq;
pub mod stacks;
mod stamps;
mod storage_iterator;
mod symbols;

pub use clock::Clock;
pub use cost::{Cost, CostMeter, RunTimeStatistics};
pub use counters::{Counters, Rate};
pub use cpu_clock::ClockError;
pub use events::{EventProbe, Events, Record};
pub use histogram::{Histogram, bounds_ns};
pub use ladder::{Attempt, Ladder};
pub use object::{Kernel, OpenError, Unavailable};
pub use owner::{Cgroups, Owner, Task};
pub use probe::{MapSize, PROBES, Probe, Report};
pub use ring::Header;
pub use symbols::{KernelFunction, Symbols};

/// Kernel tests measure the whole machine: one at a time.
#[cfg(test)]
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
