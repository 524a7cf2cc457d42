//! `system.cpu.load_average.*`, from /proc/loadavg.

use ebpf::Kernel;
use pipeline::proto::metrics::v1::number_data_point::Value;
use procfs::{Current, LoadAverage};

use super::points::gauge;
use super::{Empty, Opened, ReadError, Readings, Round, Scraper};
use crate::conventions::{LOAD_1M, LOAD_5M, LOAD_15M};

/// Opens the scraper; it needs no probe.
pub(super) fn open(_: &Empty, _: &mut Kernel, _: u64) -> Opened {
    Ok(Box::new(LoadScraper))
}

struct LoadScraper;

impl Scraper for LoadScraper {
    fn name(&self) -> &'static str {
        "load"
    }

    fn collect(&mut self, round: &Round<'_>, readings: &mut Readings) -> Result<(), ReadError> {
        let load = LoadAverage::current()?;
        let rows = [(&LOAD_1M, load.one), (&LOAD_5M, load.five), (&LOAD_15M, load.fifteen)];
        // Two decimals in the file are no more exact for being read as single precision.
        let exact = |value: f32| Value::AsDouble((f64::from(value) * 100.0).round() / 100.0);
        for (name, value) in rows {
            readings.host(gauge(name, vec![(Vec::new(), exact(value))], round.now_unix_ns));
        }
        Ok(())
    }
}
