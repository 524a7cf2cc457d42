//! Samples with names: the probe, and who finds names for its addresses.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::{Interval, MissedTickBehavior};

use super::{Profile, READ_EVERY, Sample, Settings};
use crate::object::{Kernel, OpenError};
use crate::probe::Probe;
use crate::stacks::{Addresses, Frame, Stacks};
use crate::symbols::Symbols;

/// Kernel addresses whose names are remembered.
const KEPT: usize = 16_384;

/// A probe that is read every second, while its processes live.
pub struct Recorder {
    probe: Profile,
    symbols: Symbols,
    stacks: Stacks,
    kernel_names: HashMap<u64, Option<Arc<str>>>,
    readings: Interval,
}

/// A sample and the frames of its stack.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Who, and how often.
    pub sample: Sample,
    /// Leaf first: kernel, then user.
    pub frames: Vec<Frame>,
}

impl Recorder {
    /// Starts sampling; needs a tokio runtime.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, settings: Settings) -> Result<Self, OpenError> {
        let probe = Profile::open(kernel, settings)?;
        let mut readings = tokio::time::interval_at(tokio::time::Instant::now() + READ_EVERY, READ_EVERY);
        readings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { probe, symbols: Symbols::start()?, stacks: Stacks::start()?, kernel_names: HashMap::new(), readings })
    }

    /// The probe.
    pub fn probe(&mut self) -> &mut Profile {
        &mut self.probe
    }

    /// Waits until samples should be taken, and meanwhile reads processes that are met for the first time. Nothing is
    /// lost when this is given up.
    ///
    /// # Errors
    /// When the ring can no longer be watched.
    pub async fn due(&mut self) -> std::io::Result<()> {
        loop {
            tokio::select! {
                _ = self.readings.tick() => return Ok(()),
                ready = self.probe.newcomer() => {
                    ready?;
                    self.probe.newcomers().into_iter().for_each(|process| self.stacks.learn(process));
                }
            }
        }
    }

    /// Every sample since the last call, with names.
    ///
    /// # Errors
    /// When the kernel refuses its own maps.
    pub async fn take(&mut self) -> Result<Vec<Resolved>, OpenError> {
        let samples = self.probe.take().await?;
        if let Err(error) = self.probe.follow_cpus() {
            tracing::warn!(%error, "a CPU is not sampled");
        }
        Ok(self.resolve(samples).await)
    }

    /// Ends sampling and takes the rest.
    ///
    /// # Errors
    /// When the kernel refuses its own maps.
    pub async fn finish(&mut self) -> Result<Vec<Resolved>, OpenError> {
        self.probe.detach();
        let samples = self.probe.take_rest()?;
        Ok(self.resolve(samples).await)
    }

    async fn resolve(&mut self, samples: Vec<Sample>) -> Vec<Resolved> {
        self.name_kernel(&samples).await;
        let addresses = |sample: &Sample| Addresses { pid: sample.process.pid, addresses: sample.user.clone() };
        let user = self.stacks.resolve(samples.iter().map(addresses).collect()).await;
        let resolved = |(sample, user): (Sample, Vec<Frame>)| {
            let kernel =
                sample.kernel.iter().map(|at| Frame::kernel(*at, self.kernel_names.get(at).cloned().flatten()));
            let frames = kernel.chain(user).collect();
            Resolved { sample, frames }
        };
        samples.into_iter().zip(user).map(resolved).collect()
    }

    /// Looks up kernel addresses that are not known yet. Callers' addresses are behind their calls.
    async fn name_kernel(&mut self, samples: &[Sample]) {
        if self.kernel_names.len() > KEPT {
            self.kernel_names.clear();
        }
        let mut unknown: Vec<u64> = samples.iter().flat_map(|sample| &sample.kernel).copied().collect();
        unknown.retain(|address| !self.kernel_names.contains_key(address));
        unknown.sort_unstable();
        unknown.dedup();
        // An address is a leaf's or a caller's, hardly ever both, and a leaf's predecessor is in the same function
        // unless it is its very first instruction; so one table serves both.
        let functions = self.symbols.functions(unknown.iter().map(|address| address.saturating_sub(1)).collect()).await;
        let named = |function: Option<crate::KernelFunction>| function.map(|function| function.name.into());
        self.kernel_names.extend(unknown.into_iter().zip(functions.into_iter().map(named)));
    }
}
