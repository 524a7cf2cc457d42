//! `system.memory.*`, from /proc/meminfo, and `container.memory.*` from the containers' cgroups.

use config::{Decoder, Rules};
use ebpf::Kernel;
use identity::Memory;
use pipeline::proto::metrics::v1::Metric;
use pipeline::proto::metrics::v1::number_data_point::Value;
use procfs::{Current, Meminfo};

use super::points::{Times, gauge, sum};
use super::{Opened, ReadError, Readings, Round, Scraper};
use crate::conventions::{
    CONTAINER_MEMORY_AVAILABLE, CONTAINER_MEMORY_LIMIT, CONTAINER_MEMORY_RSS, CONTAINER_MEMORY_USAGE,
    CONTAINER_MEMORY_WORKING_SET, MEMORY_AVAILABLE, MEMORY_LIMIT, MEMORY_STATE, MEMORY_USAGE, text,
};

config::settings! {
    /// Memory by state.
    pub struct Config {
        /// Also the memory of each container.
        pub containers: bool = true,
    }
}

impl Rules for Config {
    fn rules(&self, _: &mut Decoder) {}
}

/// Opens the scraper; it needs no probe.
pub(super) fn open(config: &Config, _: &mut Kernel, start_unix_ns: u64) -> Opened {
    Ok(Box::new(MemoryScraper { containers: config.containers, start_unix_ns }))
}

struct MemoryScraper {
    containers: bool,
    start_unix_ns: u64,
}

impl Scraper for MemoryScraper {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn wants_containers(&self) -> bool {
        self.containers
    }

    fn collect(&mut self, round: &Round<'_>, readings: &mut Readings) -> Result<(), ReadError> {
        let memory = Meminfo::current()?;
        let times = Times { start_unix_ns: self.start_unix_ns, now_unix_ns: round.now_unix_ns };
        let states = states(&memory).map(|(state, value)| (vec![text(MEMORY_STATE, state)], bytes(value)));
        readings.host(sum(&MEMORY_USAGE, false, states.into(), times));
        readings.host(sum(&MEMORY_LIMIT, false, vec![(Vec::new(), bytes(memory.mem_total))], times));
        if let Some(available) = memory.mem_available {
            readings.host(gauge(&MEMORY_AVAILABLE, vec![(Vec::new(), bytes(available))], round.now_unix_ns));
        }
        for cgroups in round.containers.iter().filter(|_| self.containers) {
            // One that is gone by now is passed over.
            if let Some(memory) = round.inventory.and_then(|inventory| inventory.memory(&cgroups.path)) {
                readings.container(&cgroups.container, of_container(&memory, times));
            }
        }
        Ok(())
    }
}

fn of_container(memory: &Memory, times: Times) -> impl Iterator<Item = Metric> {
    let available = memory.limit.map(|limit| limit.saturating_sub(memory.working_set));
    let rows = [
        (&CONTAINER_MEMORY_USAGE, Some(memory.usage)),
        (&CONTAINER_MEMORY_WORKING_SET, Some(memory.working_set)),
        (&CONTAINER_MEMORY_RSS, Some(memory.anon)),
        (&CONTAINER_MEMORY_LIMIT, memory.limit),
        (&CONTAINER_MEMORY_AVAILABLE, available),
    ];
    rows.into_iter().filter_map(move |(name, value)| Some(sum(name, false, vec![(Vec::new(), bytes(value?))], times)))
}

/// No machine has more than a signed number holds.
fn bytes(value: u64) -> Value {
    Value::AsInt(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Parts that add up to the total: what the page cache and buffers hold can be given back, the rest is used.
fn states(memory: &Meminfo) -> [(&'static str, u64); 4] {
    let cached = memory.cached + memory.s_reclaimable.unwrap_or(0);
    let used = memory.mem_total.saturating_sub(memory.mem_free + memory.buffers + cached);
    [("used", used), ("free", memory.mem_free), ("buffers", memory.buffers), ("cached", cached)]
}
