//! `linux.softirq.latency`: from raising a softirq to its handler, by softirq.

use ebpf::softirq::{NAMES, Softirq};
use ebpf::{Counters, Kernel, OpenError, Probe};
use pipeline::proto::metrics::v1::Metric;

use super::points::{Times, histogram};
use super::{ReadError, Scraper};
use crate::conventions::{SOFTIRQ, SOFTIRQ_DURATION, text};

/// Opens the scraper.
pub(super) fn open(kernel: &mut Kernel, start_unix_ns: u64) -> Result<Box<dyn Scraper>, OpenError> {
    Ok(Box::new(SoftirqScraper { probe: Softirq::open(kernel)?, start_unix_ns }))
}

struct SoftirqScraper {
    probe: Softirq,
    start_unix_ns: u64,
}

impl Scraper for SoftirqScraper {
    fn name(&self) -> &'static str {
        "softirq"
    }

    fn collect(&mut self, now_unix_ns: u64) -> Result<Vec<Metric>, ReadError> {
        let mut series = Vec::new();
        for (vector, name) in (0..).zip(NAMES) {
            let latency = self.probe.latency(vector)?;
            // A softirq that never came has no series yet.
            if latency.count() > 0 {
                series.push((vec![text(SOFTIRQ, name)], latency));
            }
        }
        let times = Times { start_unix_ns: self.start_unix_ns, now_unix_ns };
        Ok(vec![histogram(&SOFTIRQ_DURATION, series, times)])
    }

    fn counters(&mut self) -> Option<Counters> {
        Some(self.probe.counters())
    }
}
