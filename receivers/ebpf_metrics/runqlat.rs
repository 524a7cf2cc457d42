//! `linux.sched.runqueue.duration`: the kernel's histogram with the kernel's own bounds.

use config::Rules;
use ebpf::runqlat::Runqlat;
use ebpf::{Control, Histogram, Kernel, OpenError, Probe, bounds_ns};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::{AggregationTemporality, HistogramDataPoint, Metric};

use super::Scraper;
use crate::conventions::RUN_QUEUE_DURATION;

config::settings! {
    /// How long runnable tasks waited for a CPU.
    pub struct Config {}
}

impl Rules for Config {}

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

    fn collect(&mut self, now_unix_ns: u64) -> Result<Vec<Metric>, OpenError> {
        Ok(vec![metric(&self.probe.host()?, self.start_unix_ns, now_unix_ns)])
    }

    fn control(&mut self) -> &mut dyn Control {
        self.probe.control()
    }
}

/// Kernel slots are upper-inclusive like explicit bounds, so no count moves. Seconds are the only rounding.
pub fn metric(histogram: &Histogram, start_unix_ns: u64, now_unix_ns: u64) -> Metric {
    let point = HistogramDataPoint {
        start_time_unix_nano: start_unix_ns,
        time_unix_nano: now_unix_ns,
        count: histogram.count(),
        sum: Some(histogram.sum_ns as f64 / 1e9),
        bucket_counts: histogram.counts.to_vec(),
        explicit_bounds: bounds_ns().iter().map(|ns| *ns as f64 / 1e9).collect(),
        ..HistogramDataPoint::default()
    };
    let histogram = pipeline::proto::metrics::v1::Histogram {
        data_points: vec![point],
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
    };
    Metric {
        name: RUN_QUEUE_DURATION.name.into(),
        unit: RUN_QUEUE_DURATION.unit.into(),
        description: RUN_QUEUE_DURATION.description.into(),
        data: Some(Data::Histogram(histogram)),
        ..Metric::default()
    }
}
