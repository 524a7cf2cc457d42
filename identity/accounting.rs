//! What the kernel accounts to a cgroup, from the files of either kind of hierarchy.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// CPU time of a cgroup since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// In user space.
    pub user: Duration,
    /// In the kernel.
    pub system: Duration,
    /// Periods in which it used up what its limit gives it.
    pub throttled_periods: u64,
    /// How long its CPUs were held back in them.
    pub throttled: Duration,
}

/// Memory of a cgroup, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Everything accounted to it, page cache included.
    pub usage: u64,
    /// Without the part of the page cache that was not used lately: what kubelet judges by.
    pub working_set: u64,
    /// Anonymous memory.
    pub anon: u64,
    /// What it may use; `None` without a limit of its own.
    pub limit: Option<u64>,
}

/// What v1 shows for "no limit" is the largest number of whole pages; no machine has as much.
pub(crate) const NO_LIMIT: u64 = 1 << 62;

impl Cpu {
    pub(crate) fn unified(folder: &Path) -> Option<Self> {
        let stat = Stat::read(folder, "cpu.stat")?;
        let time = |key| stat.get(key).map(Duration::from_micros);
        Some(Self {
            user: time("user_usec")?,
            system: time("system_usec")?,
            // Absent where the cpu controller is not on.
            throttled_periods: stat.get("nr_throttled").unwrap_or(0),
            throttled: time("throttled_usec").unwrap_or_default(),
        })
    }

    pub(crate) fn v1(cpu: &Path, cpuacct: &Path) -> Option<Self> {
        // cpuacct.stat has whole ticks and splits the exact sum badly; these two are in nanoseconds, since 4.5.
        let time = |file| number(cpuacct, file).map(Duration::from_nanos);
        let stat = Stat::read(cpu, "cpu.stat");
        let throttling = |key| stat.as_ref().and_then(|stat| stat.get(key)).unwrap_or(0);
        Some(Self {
            user: time("cpuacct.usage_user")?,
            system: time("cpuacct.usage_sys")?,
            throttled_periods: throttling("nr_throttled"),
            throttled: Duration::from_nanos(throttling("throttled_time")),
        })
    }
}

impl Memory {
    pub(crate) fn unified(folder: &Path) -> Option<Self> {
        let stat = Stat::read(folder, "memory.stat")?;
        let usage = number(folder, "memory.current")?;
        let working_set = usage.saturating_sub(stat.get("inactive_file").unwrap_or(0));
        // "max" is no number.
        Some(Self { usage, working_set, anon: stat.get("anon")?, limit: number(folder, "memory.max") })
    }

    pub(crate) fn v1(folder: &Path) -> Option<Self> {
        let stat = Stat::read(folder, "memory.stat")?;
        let usage = number(folder, "memory.usage_in_bytes")?;
        let working_set = usage.saturating_sub(stat.get("total_inactive_file").unwrap_or(0));
        let limit = number(folder, "memory.limit_in_bytes").filter(|limit| *limit < NO_LIMIT);
        Some(Self { usage, working_set, anon: stat.get("total_rss")?, limit })
    }
}

/// The number that is all of a file.
pub(crate) fn number(folder: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
}

/// A file of lines `key value`.
struct Stat(String);

impl Stat {
    fn read(folder: &Path, file: &str) -> Option<Self> {
        fs::read_to_string(folder.join(file)).ok().map(Self)
    }

    fn get(&self, key: &str) -> Option<u64> {
        self.0.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?.trim().parse().ok()
    }
}
