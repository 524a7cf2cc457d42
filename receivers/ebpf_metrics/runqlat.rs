//! `linux.sched.runqueue.duration`: the kernel's histogram with the kernel's own bounds.

use std::collections::HashMap;

use config::{Decoder, Rules};
use ebpf::runqlat::{Apart, Runqlat};
use ebpf::{Histogram, Kernel, OpenError, Probe};
use identity::{Container, ContainerCgroups, Inventory};
use pipeline::proto::metrics::v1::Metric;

use super::points::{Times, histogram};
use super::{Opened, ReadError, Readings, Round, Scraper};
use crate::conventions::RUN_QUEUE_DURATION;

config::settings! {
    /// How long runnable tasks waited for a CPU.
    pub struct Config {
        /// Also for each container; every switch of a task then costs a look-up more.
        pub containers: bool = false,
    }
}

impl Rules for Config {
    fn rules(&self, _: &mut Decoder) {}
}

/// Opens the scraper.
pub(super) fn open(config: &Config, kernel: &mut Kernel, start_unix_ns: u64) -> Opened {
    let inventory = if config.containers { Inventory::of_host() } else { None };
    let apart = match inventory {
        None => Apart::Nobody,
        Some(Inventory::Unified(_)) => Apart::UnifiedCgroups,
        Some(Inventory::V1 { .. }) => Apart::V1Cgroups,
    };
    let probe = Runqlat::open(kernel, apart)?;
    Ok(Box::new(RunqlatScraper { probe, apart, start_unix_ns, watched: HashMap::new() }))
}

struct RunqlatScraper {
    probe: Runqlat,
    apart: Apart,
    start_unix_ns: u64,
    watched: HashMap<Container, Watched>,
}

/// A container whose waits are counted apart.
struct Watched {
    since_unix_ns: u64,
    /// Its cgroups that there are.
    ids: Vec<u64>,
    /// The waits in cgroups of it that are gone.
    ended: Histogram,
}

impl Scraper for RunqlatScraper {
    fn name(&self) -> &'static str {
        "runqlat"
    }

    fn wants_containers(&self) -> bool {
        self.apart != Apart::Nobody
    }

    fn collect(&mut self, round: &Round<'_>, readings: &mut Readings) -> Result<(), ReadError> {
        let times = Times { start_unix_ns: self.start_unix_ns, now_unix_ns: round.now_unix_ns };
        readings.host(metric(self.probe.host()?, times));
        if self.wants_containers() {
            self.forget_all_but(round.containers);
            for cgroups in round.containers {
                self.follow(cgroups, round.now_unix_ns)?;
            }
        }
        for (container, watched) in &self.watched {
            let mut waits = watched.ended.clone();
            for id in &watched.ids {
                waits.add(&self.probe.cgroup(*id)?);
            }
            let times = Times { start_unix_ns: watched.since_unix_ns, now_unix_ns: round.now_unix_ns };
            readings.container(container, [metric(waits, times)]);
        }
        Ok(())
    }

    fn probe(&self) -> Option<&dyn Probe> {
        Some(&self.probe)
    }
}

impl RunqlatScraper {
    /// A container that is gone makes room in the kernel.
    fn forget_all_but(&mut self, containers: &[ContainerCgroups]) {
        let probe = &mut self.probe;
        let gone = |container: &Container| !containers.iter().any(|cgroups| cgroups.container == *container);
        for (_, watched) in self.watched.extract_if(|container, _| gone(container)) {
            // One that cannot be removed is not there.
            watched.ids.iter().for_each(|id| drop(probe.unwatch(*id)));
        }
    }

    /// Watches cgroups that are new, and keeps what was counted in those that are gone.
    fn follow(&mut self, cgroups: &ContainerCgroups, now_unix_ns: u64) -> Result<(), OpenError> {
        let new = || Watched { since_unix_ns: now_unix_ns, ids: Vec::new(), ended: Histogram::default() };
        let watched = self.watched.entry(cgroups.container.clone()).or_insert_with(new);
        for id in watched.ids.extract_if(.., |id| !cgroups.ids.contains(id)) {
            watched.ended.add(&self.probe.unwatch(id)?);
        }
        for id in &cgroups.ids {
            if !watched.ids.contains(id) {
                self.probe.watch(*id)?;
                watched.ids.push(*id);
            }
        }
        Ok(())
    }
}

pub(crate) fn metric(waits: Histogram, times: Times) -> Metric {
    histogram(&RUN_QUEUE_DURATION, vec![(Vec::new(), waits)], times)
}
