//! What every probe has in common, and the table of all probes.

use crate::cost::{Cost, CostMeter};
use crate::counters::{Counters, Rate};
use crate::ladder::Ladder;
use crate::object::{Kernel, Object, OpenError};

/// Every probe: one row per folder.
pub static PROBES: &[Row] = &[
    Row { name: "cgroups", open: |kernel| Ok(Box::new(crate::cgroups::CgroupChanges::open(kernel)?)) },
    Row {
        name: "dropwatch",
        open: |kernel| Ok(Box::new(crate::dropwatch::Dropwatch::open(kernel, Default::default())?)),
    },
    Row {
        name: "netrecvlat",
        open: |kernel| Ok(Box::new(crate::netrecvlat::NetRecvLat::open(kernel, Default::default())?)),
    },
    Row { name: "oom", open: |kernel| Ok(Box::new(crate::oom::Oom::open(kernel, Default::default())?)) },
    Row { name: "profile", open: |kernel| Ok(Box::new(crate::profile::Profile::open(kernel, Default::default())?)) },
    Row { name: "runqlat", open: |kernel| Ok(Box::new(crate::runqlat::Runqlat::open(kernel, Default::default())?)) },
    Row {
        name: "sockets",
        open: |kernel| Ok(Box::new(crate::sockets::Sockets::open(kernel, &crate::sockets::Settings::everything())?)),
    },
    Row { name: "softirq", open: |kernel| Ok(Box::new(crate::softirq::Softirq::open(kernel)?)) },
];

/// A row of the probes' table.
pub struct Row {
    /// The folder's name.
    pub name: &'static str,
    /// Opens it with default settings, for `doctor`.
    pub open: fn(&mut Kernel) -> Result<Box<dyn Probe>, OpenError>,
}

/// An open probe, as the host sees it: without knowing what it observes.
pub trait Probe: Send {
    /// Its programs and maps.
    #[doc(hidden)]
    fn object(&self) -> &Object;

    /// The same, to change them.
    #[doc(hidden)]
    fn object_mut(&mut self) -> &mut Object;

    /// Where its events went.
    fn counters(&self) -> Counters;

    /// Sets how many events a second pass; `false` if it has no events to limit.
    fn set_rate(&mut self, _rate: Rate) -> bool {
        false
    }

    /// Which hooks are live, and what its maps hold.
    fn report(&self) -> Report {
        self.object().report()
    }

    /// What its programs cost so far. Times move only while BPF statistics are on.
    fn cost(&self) -> Cost {
        self.object().cost()
    }

    /// Reads the same without the probe.
    fn cost_meter(&self) -> CostMeter {
        self.object().cost_meter()
    }

    /// Takes it off its hooks. Counters and maps stay; opening it anew attaches it again.
    fn detach(&mut self) {
        self.object_mut().detach();
    }
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
