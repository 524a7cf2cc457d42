//! Settings to bytes, and how much memory there is.

use std::path::{Path, PathBuf};

use super::Config;

const MIB: u64 = 1 << 20;

/// Two limits, in bytes of live memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From here on data is refused.
    pub soft: u64,
    /// What is not to be reached.
    pub hard: u64,
}

impl Limits {
    /// `total_bytes` is asked only for percentages.
    pub fn new(config: &Config, total_bytes: impl FnOnce() -> u64) -> Self {
        let (hard, spike) = if config.limit_mib > 0 {
            (u64::from(config.limit_mib) * MIB, u64::from(config.spike_limit_mib) * MIB)
        } else {
            let hundredth = total_bytes() / 100;
            (hundredth * u64::from(config.limit_percentage), hundredth * u64::from(config.spike_limit_percentage))
        };
        let spike = if spike == 0 { hard / 5 } else { spike };
        Self { soft: hard - spike.min(hard), hard }
    }
}

/// The memory this process may use: the tightest limit of its control groups, or all of the host.
pub fn total_bytes() -> u64 {
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let host = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    smallest(&cgroups, &host, Path::new("/sys/fs/cgroup"))
}

pub(super) fn smallest(cgroups: &str, meminfo: &str, mount: &Path) -> u64 {
    let limits = cgroups.lines().filter_map(|line| group(line, mount)).flat_map(|(group, file, top)| {
        // Limits of groups further out hold too. Paths that are not mounted here are skipped.
        let outer: Vec<PathBuf> = group.ancestors().take_while(|p| p.starts_with(&top)).map(|p| p.join(file)).collect();
        outer.into_iter().filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse().ok())
    });
    limits.chain(host_bytes(meminfo)).min().unwrap_or(u64::MAX)
}

/// The folder of the group in a line of /proc/self/cgroup, the file with its limit, and the top of its hierarchy.
fn group(line: &str, mount: &Path) -> Option<(PathBuf, &'static str, PathBuf)> {
    let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
    let (top, file) = match controllers {
        "" => (mount.to_owned(), "memory.max"),
        v1 if v1.split(',').any(|name| name == "memory") => (mount.join("memory"), "memory.limit_in_bytes"),
        _ => return None,
    };
    Some((top.join(path.trim_start_matches('/')), file, top))
}

fn host_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
