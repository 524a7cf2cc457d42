//! A timer on every CPU that is online.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use aya::programs::perf_event::{PerfEventConfig, PerfEventLink, PerfEventScope, SamplePolicy, SoftwareEvent};
use aya::programs::{PerfEvent, ProgramError};

/// The running timers of one program; dropping them stops them.
#[derive(Debug, Default)]
pub struct CpuClocks(BTreeMap<u32, PerfEventLink>);

/// Why not every CPU has its timer.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The kernel does not tell which CPUs there are.
    #[error("{0}: {1}")]
    Cpus(&'static str, std::io::Error),
    /// One of them refused it.
    #[error("CPU {0}: {1}")]
    Refused(u32, ProgramError),
}

impl CpuClocks {
    /// Starts those of CPUs that came online, and forgets those of CPUs that went: the kernel stops them for good.
    pub fn follow(&mut self, program: &mut PerfEvent, period_ns: u64) -> Result<(), ClockError> {
        let online = aya::util::online_cpus().map_err(|(file, error)| ClockError::Cpus(file, error))?;
        self.0.retain(|cpu, _| online.contains(cpu));
        for cpu in online {
            if let Entry::Vacant(vacant) = self.0.entry(cpu) {
                vacant.insert(start(program, cpu, period_ns).map_err(|error| ClockError::Refused(cpu, error))?);
            }
        }
        Ok(())
    }
}

/// The kernel's own clock, not the hardware's: it is there on every machine.
fn start(program: &mut PerfEvent, cpu: u32, period_ns: u64) -> Result<PerfEventLink, ProgramError> {
    let clock = PerfEventConfig::Software(SoftwareEvent::CpuClock);
    let scope = PerfEventScope::AllProcessesOneCpu { cpu };
    let id = program.attach(clock, scope, SamplePolicy::Period(period_ns), false)?;
    program.take_link(id)
}
