//! `linux.sched.runqueue.duration`: the kernel's histogram with the kernel's own bounds.

use ebpf::runqlat::Runqlat;
use ebpf::{Counters, Histogram, Kernel, OpenError, Probe};
use pipeline::proto::metrics::v1::Metric;

use super::points::{Times, histogram};
use super::{ReadError, Scraper};
use crate::conventions::RUN_QUEUE_DURATION;

/// Opens the scraper.
pub(super) fn open(kernel: &mut Kernel, start_unix_ns: u64) -> Result<Box<dyn Scraper>, OpenError> {
    Ok(Box::new(RunqlatScraper { probe: Runqlat::open(kernel)?, start_unix_ns }))
}

struct RunqlatScraper {
    probe: Runqlat,
    start_unix_ns: u64,
}

impl Scraper for RunqlatScraper {
    fn name(&self) -> &'static str {
        "runqlat"
    }

    fn collect(&mut self, now_unix_ns: u64) -> Result<Vec<Metric>, ReadError> {
        let times = Times { start_unix_ns: self.start_unix_ns, now_unix_ns };
        Ok(vec![metric(self.probe.host()?, times)])
    }

    fn counters(&mut self) -> Option<Counters> {
        Some(self.probe.counters())
    }
}

pub(crate) fn metric(host: Histogram, times: Times) -> Metric {
    histogram(&RUN_QUEUE_DURATION, vec![(Vec::new(), host)], times)
}
