//! `system.cpu.time`, from /proc/stat, and `container.cpu.time` from the containers' cgroups.

use config::{Decoder, Rules};
use ebpf::Kernel;
use identity::Cpu;
use pipeline::proto::metrics::v1::Metric;
use pipeline::proto::metrics::v1::number_data_point::Value;
use procfs::{CpuTime, CurrentSI, KernelStats};

use super::points::{Times, sum};
use super::{Opened, ReadError, Readings, Round, Scraper};
use crate::conventions::{
    CONTAINER_CPU_TIME, CONTAINER_THROTTLED_PERIODS, CONTAINER_THROTTLED_TIME, CPU, CPU_MODE, CPU_TIME, int, text,
};

config::settings! {
    /// Time of each CPU by mode.
    pub struct Config {
        /// Also the CPU time of each container, and how often and how long its limit held it back.
        pub containers: bool = true,
    }
}

impl Rules for Config {
    fn rules(&self, _: &mut Decoder) {}
}

/// Opens the scraper; it needs no probe. The kernel counts from boot on, so that is where its series start: at boot no
/// container had used any time either.
pub(super) fn open(config: &Config, _: &mut Kernel, _: u64) -> Opened {
    Ok(Box::new(CpuScraper { containers: config.containers }))
}

struct CpuScraper {
    containers: bool,
}

impl Scraper for CpuScraper {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn wants_containers(&self) -> bool {
        self.containers
    }

    fn collect(&mut self, round: &Round<'_>, readings: &mut Readings) -> Result<(), ReadError> {
        let stats = KernelStats::current()?;
        let times = Times { start_unix_ns: stats.btime * 1_000_000_000, now_unix_ns: round.now_unix_ns };
        let mut values = Vec::new();
        for (number, cpu) in (0_i64..).zip(&stats.cpu_time) {
            for (mode, seconds) in modes(cpu) {
                values.push((vec![int(CPU, number), text(CPU_MODE, mode)], Value::AsDouble(seconds)));
            }
        }
        readings.host(sum(&CPU_TIME, true, values, times));
        for cgroups in round.containers.iter().filter(|_| self.containers) {
            // One that is gone by now is passed over.
            if let Some(cpu) = round.inventory.and_then(|inventory| inventory.cpu(&cgroups.path)) {
                readings.container(&cgroups.container, of_container(&cpu, times));
            }
        }
        Ok(())
    }
}

fn of_container(cpu: &Cpu, times: Times) -> [Metric; 3] {
    let modes = [("user", cpu.user), ("system", cpu.system)];
    let modes = modes.map(|(mode, time)| (vec![text(CPU_MODE, mode)], Value::AsDouble(time.as_secs_f64())));
    let throttled = Value::AsDouble(cpu.throttled.as_secs_f64());
    let periods = Value::AsInt(i64::try_from(cpu.throttled_periods).unwrap_or(i64::MAX));
    [
        sum(&CONTAINER_CPU_TIME, true, modes.into(), times),
        sum(&CONTAINER_THROTTLED_TIME, true, vec![(Vec::new(), throttled)], times),
        sum(&CONTAINER_THROTTLED_PERIODS, true, vec![(Vec::new(), periods)], times),
    ]
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
