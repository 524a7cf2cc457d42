//! `system.cpu.load_average.*`, from /proc/loadavg.

use ebpf::{Counters, Kernel, OpenError};
use pipeline::proto::metrics::v1::Metric;
use pipeline::proto::metrics::v1::number_data_point::Value;
use procfs::{Current, LoadAverage};

use super::points::gauge;
use super::{ReadError, Scraper};
use crate::conventions::{LOAD_1M, LOAD_5M, LOAD_15M};

/// Opens the scraper; it needs no probe.
pub(super) fn open(_: &mut Kernel, _: u64) -> Result<Box<dyn Scraper>, OpenError> {
    Ok(Box::new(LoadScraper))
}

struct LoadScraper;

impl Scraper for LoadScraper {
    fn name(&self) -> &'static str {
        "load"
    }

    fn collect(&mut self, now_unix_ns: u64) -> Result<Vec<Metric>, ReadError> {
        let load = LoadAverage::current()?;
        let rows = [(&LOAD_1M, load.one), (&LOAD_5M, load.five), (&LOAD_15M, load.fifteen)];
        // Two decimals in the file are no more exact for being read as single precision.
        let exact = |value: f32| Value::AsDouble((f64::from(value) * 100.0).round() / 100.0);
        Ok(rows.map(|(name, value)| gauge(name, vec![(Vec::new(), exact(value))], now_unix_ns)).into())
    }

    fn counters(&mut self) -> Option<Counters> {
        None
    }
}
