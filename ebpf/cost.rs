//! What programs cost, from the kernel's own statistics.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use aya::programs::ProgramError;
use aya::sys::{Stats, enable_stats};

use crate::fdinfo;

/// What an empty program reads, in nanoseconds: the statistics' own floor, part of every run.
const FLOOR_NS: u64 = 46;

/// Sums over the programs of a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Time spent, while statistics were on; the floor of the measurement is taken off.
    pub run_ns: u64,
    /// Runs counted, while statistics were on.
    pub runs: u64,
    /// Runs that the kernel skipped because the program was already running on that CPU. Always counted.
    pub misses: u64,
}

impl Cost {
    pub(crate) fn of<'a>(programs: impl Iterator<Item = BorrowedFd<'a>>) -> Self {
        let (mut measured_ns, mut cost) = (0, Self::default());
        for fd in programs.map(|fd| fd.as_raw_fd()) {
            measured_ns += fdinfo::value(fd, "run_time_ns").unwrap_or(0);
            cost.runs += fdinfo::value(fd, "run_cnt").unwrap_or(0);
            cost.misses += fdinfo::value(fd, "recursion_misses").unwrap_or(0);
        }
        Self { run_ns: u64::saturating_sub(measured_ns, FLOOR_NS * cost.runs), ..cost }
    }

    /// What was added since `before`.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            run_ns: self.run_ns.saturating_sub(before.run_ns),
            runs: self.runs.saturating_sub(before.runs),
            misses: self.misses.saturating_sub(before.misses),
        }
    }
}

/// Reads the cost of a probe's programs, wherever the probe is.
#[derive(Debug)]
pub struct CostMeter(pub(crate) Vec<OwnedFd>);

impl CostMeter {
    /// The cost so far.
    pub fn read(&self) -> Cost {
        Cost::of(self.0.iter().map(AsFd::as_fd))
    }
}

/// While this lives the kernel measures run times, of everybody's programs. Each run costs about 80 ns more then.
#[derive(Debug)]
pub struct RunTimeStatistics {
    _fd: OwnedFd,
}

impl RunTimeStatistics {
    /// Turns them on.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn on() -> Result<Self, ProgramError> {
        Ok(Self { _fd: enable_stats(Stats::RunTime)? })
    }
}
