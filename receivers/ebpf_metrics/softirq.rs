//! `linux.softirq.latency`: from raising a softirq to its handler, by softirq.

use ebpf::softirq::{NAMES, Softirq};
use ebpf::{Kernel, Probe};

use super::points::{Times, histogram};
use super::{Empty, Opened, ReadError, Readings, Round, Scraper};
use crate::conventions::{SOFTIRQ, SOFTIRQ_DURATION, text};

/// Opens the scraper.
pub(super) fn open(_: &Empty, kernel: &mut Kernel, start_unix_ns: u64) -> Opened {
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

    fn collect(&mut self, round: &Round<'_>, readings: &mut Readings) -> Result<(), ReadError> {
        let mut series = Vec::new();
        for (vector, name) in (0..).zip(NAMES) {
            let latency = self.probe.latency(vector)?;
            // A softirq that never came has no series yet.
            if latency.count() > 0 {
                series.push((vec![text(SOFTIRQ, name)], latency));
            }
        }
        let times = Times { start_unix_ns: self.start_unix_ns, now_unix_ns: round.now_unix_ns };
        readings.host(histogram(&SOFTIRQ_DURATION, series, times));
        Ok(())
    }

    fn probe(&self) -> Option<&dyn Probe> {
        Some(&self.probe)
    }
}
