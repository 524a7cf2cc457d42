//! Samples with names: the probe, and who finds names for its addresses.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{Profile, READ_EVERY, Sample, Settings, Shortfalls};
use crate::counters::Counters;
use crate::object::{Kernel, OpenError};
use crate::probe::Probe;
use crate::stacks::{Addresses, Answer, Frame, Stacks};
use crate::symbols::{KernelFunction, Symbols};

/// Kernel addresses whose names are remembered.
const KEPT: usize = 16_384;
/// Samples that may wait for names: as many as the kernel's table holds, some 40 MB when stacks are deep. Two CPUs take
/// minutes for as many, a hundred CPUs four seconds.
const WAITING_AT_MOST: usize = 8192;

/// A probe that is read every second, while its processes live. Finding names takes as long as it takes: samples are
/// read meanwhile.
pub struct Recorder {
    probe: Profile,
    symbols: Symbols,
    stacks: Stacks,
    kernel_names: HashMap<u64, Option<Arc<str>>>,
    readings: Interval,
    /// Kept here before anything is waited for, so that nothing is lost when that is given up.
    unasked: Vec<Sample>,
    asked: VecDeque<Asked>,
    lost: u64,
}

/// Samples whose names are looked up.
struct Asked {
    samples: Vec<Sample>,
    answer: Answer,
    /// What was answered, while names of the kernel are still missing.
    frames: Option<Vec<Vec<Frame>>>,
}

impl Asked {
    /// Waits for the answer. Who finds names may have died: then there are none.
    async fn answered(&mut self) {
        if self.frames.is_none() {
            self.frames = Some((&mut self.answer).await.unwrap_or_default());
        }
    }
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
        let mut readings = interval_at(Instant::now() + READ_EVERY, READ_EVERY);
        readings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (symbols, stacks) = (Symbols::start()?, Stacks::start()?);
        let (kernel_names, unasked, asked) = (HashMap::new(), Vec::new(), VecDeque::new());
        Ok(Self { probe, symbols, stacks, kernel_names, readings, unasked, asked, lost: 0 })
    }

    /// The probe.
    pub fn probe(&self) -> &Profile {
        &self.probe
    }

    /// Where samples went; `lost` are also those for whose names there was no room to wait.
    pub fn counters(&self) -> Counters {
        let counters = self.probe.counters();
        Counters { lost: counters.lost + self.lost, sent: counters.sent.saturating_sub(self.lost), ..counters }
    }

    /// How good the stacks were.
    pub fn shortfalls(&self) -> Shortfalls {
        Shortfalls { unnamed: self.stacks.unnamed(), ..self.probe.shortfalls() }
    }

    /// The next samples with names. Nothing is lost when this is given up.
    ///
    /// # Errors
    /// When the kernel refuses its own maps.
    pub async fn next(&mut self) -> Result<Vec<Resolved>, OpenError> {
        loop {
            tokio::select! {
                _ = self.readings.tick() => {
                    self.read().await?;
                }
                ready = self.probe.newcomer() => {
                    ready?;
                    self.probe.newcomers().into_iter().for_each(|process| self.stacks.learn(process));
                }
                () = first_answered(&mut self.asked) => return Ok(self.first_resolved().await),
            }
        }
    }

    /// Ends sampling.
    pub fn stop(&mut self) {
        self.probe.detach();
    }

    /// After [`Recorder::stop`]: the rest. When patience ends, what has no name yet goes without.
    ///
    /// # Errors
    /// When the kernel refuses its own maps.
    pub async fn rest(&mut self, patience: impl Future<Output = ()>) -> Result<Vec<Resolved>, OpenError> {
        let rest = self.probe.take_rest()?;
        self.keep(rest);
        self.ask().await;
        let (mut all, mut is_hurried) = (Vec::new(), false);
        let mut patience = std::pin::pin!(patience);
        while !self.asked.is_empty() {
            tokio::select! {
                () = first_answered(&mut self.asked) => all.append(&mut self.first_resolved().await),
                () = &mut patience, if !is_hurried => {
                    is_hurried = true;
                    self.stacks.hurry();
                }
            }
        }
        Ok(all)
    }

    async fn read(&mut self) -> Result<(), OpenError> {
        let samples = self.probe.take().await?;
        self.keep(samples);
        self.ask().await;
        if let Err(error) = self.probe.follow_cpus() {
            tracing::warn!(%error, "a CPU is not sampled");
        }
        Ok(())
    }

    fn keep(&mut self, mut samples: Vec<Sample>) {
        let waiting: usize = self.asked.iter().map(|asked| asked.samples.len()).sum();
        let room = WAITING_AT_MOST.saturating_sub(waiting + self.unasked.len()).min(samples.len());
        self.lost += samples.drain(room..).map(|sample| sample.count).sum::<u64>();
        self.unasked.append(&mut samples);
    }

    async fn ask(&mut self) {
        if self.unasked.is_empty() {
            return;
        }
        let addresses = |sample: &Sample| Addresses { pid: sample.process.pid, addresses: sample.user.clone() };
        let addresses = self.unasked.iter().map(addresses).collect();
        // Processes first: they may be gone in a moment.
        let answer = self.stacks.ask(addresses).await;
        self.asked.push_back(Asked { samples: std::mem::take(&mut self.unasked), answer, frames: None });
    }

    /// The samples that were asked first, with what was answered and the kernel's names. They stay here until they have
    /// both.
    async fn first_resolved(&mut self) -> Vec<Resolved> {
        self.name_kernel().await;
        let Some(Asked { samples, frames, .. }) = self.asked.pop_front() else {
            return Vec::new();
        };
        let frames = frames.into_iter().flatten().chain(std::iter::repeat_with(Vec::new));
        samples.into_iter().zip(frames).map(|(sample, user)| self.with_kernel(sample, user)).collect()
    }

    fn with_kernel(&self, sample: Sample, user: Vec<Frame>) -> Resolved {
        let name = |address: &u64| self.kernel_names.get(address).cloned().flatten();
        let kernel = sample.kernel.iter().map(|address| Frame::kernel(*address, name(address)));
        let frames = kernel.chain(user).collect();
        Resolved { sample, frames }
    }

    /// Looks up addresses of the first samples that are not known yet. Callers' addresses are behind their calls.
    async fn name_kernel(&mut self) {
        if self.kernel_names.len() > KEPT {
            // Rare, and cheap to ask for again.
            self.kernel_names.clear();
        }
        let samples = self.asked.front().into_iter().flat_map(|asked| &asked.samples);
        let mut unknown: Vec<u64> = samples.flat_map(|sample| &sample.kernel).copied().collect();
        unknown.retain(|address| !self.kernel_names.contains_key(address));
        unknown.sort_unstable();
        unknown.dedup();
        // An address is a leaf's or a caller's, hardly ever both, and what stands before a leaf is in the same function
        // unless it is its very first instruction; so one table serves both.
        let functions = self.symbols.functions(unknown.iter().map(|address| address.saturating_sub(1)).collect()).await;
        let name = |function: Option<KernelFunction>| function.map(|function| function.name.into());
        self.kernel_names.extend(unknown.into_iter().zip(functions.into_iter().map(name)));
    }
}

/// Returns when the first has its answer; never, when nothing was asked.
async fn first_answered(asked: &mut VecDeque<Asked>) {
    match asked.front_mut() {
        Some(first) => first.answered().await,
        None => std::future::pending().await,
    }
}
