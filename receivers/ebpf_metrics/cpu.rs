//! `system.cpu.time`, from /proc/stat.

use ebpf::{Counters, Kernel, OpenError};
use pipeline::proto::metrics::v1::Metric;
use pipeline::proto::metrics::v1::number_data_point::Value;
use procfs::{CpuTime, CurrentSI, KernelStats};

use super::points::{Times, sum};
use super::{ReadError, Scraper};
use crate::conventions::{CPU, CPU_MODE, CPU_TIME, int, text};

/// Opens the scraper; it needs no probe. The kernel counts from boot on, so that is where its series start.
pub(super) fn open(_: &mut Kernel, _: u64) -> Result<Box<dyn Scraper>, OpenError> {
    Ok(Box::new(CpuScraper))
}

struct CpuScraper;

impl Scraper for CpuScraper {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn collect(&mut self, now_unix_ns: u64) -> Result<Vec<Metric>, ReadError> {
        let stats = KernelStats::current()?;
        let times = Times { start_unix_ns: stats.btime * 1_000_000_000, now_unix_ns };
        let mut values = Vec::new();
        for (number, cpu) in (0_i64..).zip(&stats.cpu_time) {
            for (mode, seconds) in modes(cpu) {
                values.push((vec![int(CPU, number), text(CPU_MODE, mode)], Value::AsDouble(seconds)));
            }
        }
        Ok(vec![sum(&CPU_TIME, true, values, times)])
    }

    fn counters(&mut self) -> Option<Counters> {
        None
    }
}

/// Seconds by mode. Time of guests is part of user and nice, and is not counted twice.
fn modes(cpu: &CpuTime) -> [(&'static str, f64); 8] {
    let seconds = |ms: u64| ms as f64 / 1000.0;
    [
        ("user", seconds(cpu.user_ms())),
        ("nice", seconds(cpu.nice_ms())),
        ("system", seconds(cpu.system_ms())),
        ("idle", seconds(cpu.idle_ms())),
        ("iowait", seconds(cpu.iowait_ms().unwrap_or(0))),
        ("interrupt", seconds(cpu.irq_ms().unwrap_or(0))),
        ("softirq", seconds(cpu.softirq_ms().unwrap_or(0))),
        ("steal", seconds(cpu.steal_ms().unwrap_or(0))),
    ]
}
