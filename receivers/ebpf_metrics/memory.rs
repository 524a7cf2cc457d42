//! `system.memory.*`, from /proc/meminfo.

use ebpf::{Counters, Kernel, OpenError};
use pipeline::proto::metrics::v1::Metric;
use pipeline::proto::metrics::v1::number_data_point::Value;
use procfs::{Current, Meminfo};

use super::points::{Times, gauge, sum};
use super::{ReadError, Scraper};
use crate::conventions::{MEMORY_AVAILABLE, MEMORY_LIMIT, MEMORY_STATE, MEMORY_USAGE, text};

/// Opens the scraper; it needs no probe.
pub(super) fn open(_: &mut Kernel, start_unix_ns: u64) -> Result<Box<dyn Scraper>, OpenError> {
    Ok(Box::new(MemoryScraper { start_unix_ns }))
}

struct MemoryScraper {
    start_unix_ns: u64,
}

impl Scraper for MemoryScraper {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn collect(&mut self, now_unix_ns: u64) -> Result<Vec<Metric>, ReadError> {
        let memory = Meminfo::current()?;
        let times = Times { start_unix_ns: self.start_unix_ns, now_unix_ns };
        let bytes = |value: u64| Value::AsInt(value as i64);
        let states = states(&memory).map(|(state, value)| (vec![text(MEMORY_STATE, state)], bytes(value)));
        let mut metrics = vec![
            sum(&MEMORY_USAGE, false, states.into(), times),
            sum(&MEMORY_LIMIT, false, vec![(Vec::new(), bytes(memory.mem_total))], times),
        ];
        let available = memory.mem_available.map(|value| vec![(Vec::new(), bytes(value))]);
        metrics.extend(available.map(|values| gauge(&MEMORY_AVAILABLE, values, now_unix_ns)));
        Ok(metrics)
    }

    fn counters(&mut self) -> Option<Counters> {
        None
    }
}

/// Parts that add up to the total: what the page cache and buffers hold can be given back, the rest is used.
fn states(memory: &Meminfo) -> [(&'static str, u64); 4] {
    let cached = memory.cached + memory.s_reclaimable.unwrap_or(0);
    let used = memory.mem_total.saturating_sub(memory.mem_free + memory.buffers + cached);
    [("used", used), ("free", memory.mem_free), ("buffers", memory.buffers), ("cached", cached)]
}
