//! What every probe has in common, and the table of all probes.

use crate::counters::{Counters, Rate};
use crate::object::{Kernel, Ladder, OpenError};

/// Every probe: one row per folder.
pub static PROBES: &[Row] = &[
    Row {
        name: "dropwatch",
        open: |kernel| Ok(Box::new(crate::dropwatch::Dropwatch::open(kernel, Default::default())?)),
    },
    Row {
        name: "netrecvlat",
        open: |kernel| Ok(Box::new(crate::netrecvlat::NetRecvLat::open(kernel, Default::default())?)),
    },
    Row { name: "oom", open: |kernel| Ok(Box::new(crate::oom::Oom::open(kernel, Default::default())?)) },
    Row { name: "runqlat", open: |kernel| Ok(Box::new(crate::runqlat::Runqlat::open(kernel)?)) },
    Row { name: "softirq", open: |kernel| Ok(Box::new(crate::softirq::Softirq::open(kernel)?)) },
];

/// A row of the probes' table.
pub struct Row {
    /// The folder's name.
    pub name: &'static str,
    /// Opens it with default settings, for `doctor`.
    pub open: fn(&mut Kernel) -> Result<Box<dyn Probe>, OpenError>,
}

/// An open probe.
pub trait Probe: Send {
    /// Which hooks are live, and what its maps hold.
    fn report(&self) -> Report;

    /// Cost, counters and the switches of the budget.
    fn control(&mut self) -> &mut dyn Control;
}

/// How the host reaches a probe without knowing what it observes.
pub trait Control {
    /// What its programs cost so far. Times move only while BPF statistics are on.
    fn cost(&self) -> Cost;

    /// Where its events went.
    fn counters(&self) -> Counters;

    /// Sets how many events a second pass; `false` if it has no events to limit.
    fn set_rate(&mut self, rate: Rate) -> bool;

    /// Takes it off its hooks. Counters and maps stay; opening it anew attaches it again.
    fn detach(&mut self);
}

/// What `doctor` shows of a probe.
#[derive(Clone, Debug)]
pub struct Report {
    /// The probe's name.
    pub probe: &'static str,
    /// Its features with the hooks tried.
    pub features: Vec<Ladder>,
    /// Kernel memory by map.
    pub maps: Vec<MapSize>,
    /// Whether the kernel tells of runs that it skipped; counts are inexact otherwise.
    pub exact: bool,
}

/// A map and the kernel memory it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapSize {
    /// The map's name.
    pub name: String,
    /// Bytes of kernel memory.
    pub bytes: u64,
}

/// Sums over the live programs of a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Time spent, while statistics were on.
    pub run_ns: u64,
    /// Runs counted, while statistics were on.
    pub runs: u64,
    /// Runs that the kernel skipped because the program was already running on that CPU. Always counted.
    pub misses: u64,
}
