//! Equal samples of a whole recording, counted.

use std::collections::HashMap;
use std::time::Duration;

use ebpf::profile::{Resolved, Sample};
use ebpf::stacks::Frame;

/// Who ran.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Runner {
    /// Process id in the root pid namespace.
    pub pid: u32,
    /// The process's name.
    pub process: String,
    /// The thread's name.
    pub thread: String,
}

/// When and how it was sampled.
#[derive(Clone, Debug)]
pub struct Recording {
    /// When it began, in nanoseconds since 1970.
    pub start_unix_ns: u64,
    /// How long it took.
    pub duration: Duration,
    /// CPU time that one sample stands for.
    pub period: Duration,
    /// Samples a second on each CPU.
    pub frequency_hz: u32,
    /// The program of the one process that was sampled.
    pub executable: Option<String>,
}

/// Samples by who ran what.
#[derive(Debug, Default)]
pub struct Tally {
    counts: HashMap<(Runner, Vec<Frame>), u64>,
    /// All samples.
    pub samples: u64,
    /// Those of them whose callers are not all there.
    pub truncated: u64,
}

impl Tally {
    /// Adds a sample as often as it was met.
    pub fn add(&mut self, resolved: Resolved) {
        let Resolved { sample, frames } = resolved;
        let Sample { process, thread_name, count, truncated, .. } = sample;
        let runner = Runner { pid: process.pid, process: process.comm, thread: thread_name };
        *self.counts.entry((runner, frames)).or_default() += count;
        self.samples += count;
        self.truncated += if truncated { count } else { 0 };
    }

    /// Who ran, the stack with its leaf first, and how often; in the same order for equal samples.
    pub fn sorted(&self) -> Vec<(&Runner, &[Frame], u64)> {
        let mut all: Vec<_> =
            self.counts.iter().map(|((runner, frames), count)| (runner, frames.as_slice(), *count)).collect();
        all.sort_by(|(runner, frames, _), (other, others, _)| {
            let addresses = |frames: &[Frame]| frames.iter().map(|frame| frame.address).collect::<Vec<_>>();
            runner.cmp(other).then_with(|| addresses(frames).cmp(&addresses(others)))
        });
        all
    }
}
