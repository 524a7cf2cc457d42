//! What runs on the CPUs: a timer on each takes the stacks of whatever it interrupts.
//!
//! Hook: the software event `cpu-clock` on every CPU that is online, which needs no hardware counters. Equal samples are
//! counted in the kernel; the reader empties its table every second or so. Processes are announced when they are first
//! met, so that their mappings can be read while they live.

use std::time::Duration;

use aya::maps::{Array, HashMap, MapData, PerCpuArray, RingBuf};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::counters::{CounterMap, Counters};
use crate::cpu_clock::ClockError;
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, Object, OpenError};
use crate::probe::Probe;
use crate::ring::{Header, Ring, VERSION};

mod recorder;
mod sample;
#[cfg(test)]
mod tests;

pub use recorder::{Recorder, Resolved};
pub use sample::Sample;
use sample::{Key, RawSample};

/// The kernel lets no more than this be asked for (`kernel.perf_event_max_sample_rate` is lowered on slow machines).
pub const MAX_FREQUENCY_HZ: u32 = 10_000;
/// How often the table is to be emptied.
pub const READ_EVERY: Duration = Duration::from_secs(1);
/// A program that began in the old round has ended by then; it runs for some microseconds.
const ROUND_ENDS_AFTER: Duration = Duration::from_millis(2);
/// Entries of the table: enough for small machines, and the most that 20 MB hold.
const TABLE: std::ops::RangeInclusive<u64> = 256..=8192;

/// What is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Samples a second on each CPU; neither 0 nor above [`MAX_FREQUENCY_HZ`].
    pub frequency_hz: u32,
    /// The only process to sample; all when there is none.
    pub process: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        // Next to 20, and no multiple of anything that a program might do at a regular pace.
        Self { frequency_hz: 19, process: None }
    }
}

impl Settings {
    /// CPU time that one sample stands for.
    pub fn period(self) -> Duration {
        Duration::from_secs(1) / self.frequency_hz.clamp(1, MAX_FREQUENCY_HZ)
    }

    /// Room for two rounds in which no two samples are the same.
    fn table(self) -> u32 {
        let cpus = aya::util::nr_cpus().unwrap_or(1) as u64;
        let a_round = cpus * u64::from(self.frequency_hz) * READ_EVERY.as_secs();
        (2 * a_round + a_round / 2).clamp(*TABLE.start(), *TABLE.end()) as u32
    }
}

/// `struct settings` of probe.bpf.c.
#[repr(C)]
#[derive(Clone, Copy)]
struct KernelSettings {
    round: u32,
    process: u32,
}

// SAFETY: two 32-bit numbers; every bit pattern is valid.
unsafe impl aya::Pod for KernelSettings {}

/// `struct newcomer` of record.h.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, Immutable, KnownLayout)]
struct Newcomer {
    header: Header,
    process: u32,
    reserved: u32,
}

const _: () = assert!(size_of::<Newcomer>() == 32, "record.h has the same assertion");

/// How good the stacks were, in samples since the probe was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortfalls {
    /// Without any stack.
    pub no_stack: u64,
    /// With a stack deeper than the kernel follows.
    pub truncated: u64,
    /// Of processes that could not be announced at once.
    pub unannounced: u64,
    /// Without some name, because there was no time to look for it.
    pub unnamed: u64,
}

/// The open probe.
pub struct Profile {
    object: Object,
    samples: HashMap<MapData, Key, RawSample>,
    settings: Array<MapData, KernelSettings>,
    current: KernelSettings,
    newcomers: Ring,
    counters: CounterMap,
    shortfalls: PerCpuArray<MapData, u64>,
    malformed: u64,
}

impl Profile {
    /// Loads it and starts a clock on every CPU; needs a tokio runtime.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, settings: Settings) -> Result<Self, OpenError> {
        let sizes = [("profile_samples", settings.table())];
        let mut object = kernel.load_sized("profile", crate::object_bytes!("profile"), &sizes)?;
        let mut probe = Self {
            samples: object.take("profile_samples")?,
            settings: object.take("profile_settings")?,
            newcomers: Ring::new(object.take::<RingBuf<MapData>>("profile_newcomers")?)?,
            counters: CounterMap(object.take("profile_counters")?),
            shortfalls: object.take("profile_shortfalls")?,
            malformed: 0,
            current: KernelSettings { round: 0, process: settings.process.unwrap_or(0) },
            object,
        };
        probe.set(probe.current)?;
        let period_ns = settings.period().as_nanos() as u64;
        let rung = Rung { program: "profile_cpu", hook: Hook::CpuClock { period_ns } };
        probe.object.climb_all(kernel, &[("samples on CPU", rung)])?;
        Ok(probe)
    }

    fn set(&mut self, settings: KernelSettings) -> Result<(), OpenError> {
        self.current = settings;
        self.settings.set(0, settings, 0).map_err(OpenError::of_map("profile_settings"))
    }

    /// Waits until there may be processes that were not met before.
    ///
    /// # Errors
    /// When the ring can no longer be watched.
    pub async fn newcomer(&mut self) -> std::io::Result<()> {
        self.newcomers.readable().await
    }

    /// Processes that were first met since the last call, or that have become another program.
    pub fn newcomers(&mut self) -> Vec<u32> {
        let (mut processes, malformed) = (Vec::new(), &mut self.malformed);
        self.newcomers.drain(|bytes| match Newcomer::ref_from_prefix(bytes) {
            Ok((newcomer, _)) if newcomer.header.version == VERSION => processes.push(newcomer.process),
            _ => *malformed += 1,
        });
        processes
    }

    /// Takes every sample since the last call.
    ///
    /// # Errors
    /// When the kernel refuses its own maps.
    pub async fn take(&mut self) -> Result<Vec<Sample>, OpenError> {
        let ended = self.current.round;
        self.set(KernelSettings { round: 1 - ended, ..self.current })?;
        tokio::time::sleep(ROUND_ENDS_AFTER).await;
        self.take_round(ended)
    }

    /// Takes what both rounds hold; after [`Probe::detach`] that is the rest.
    ///
    /// # Errors
    /// When the kernel refuses its own maps.
    pub fn take_rest(&mut self) -> Result<Vec<Sample>, OpenError> {
        let mut samples = self.take_round(0)?;
        samples.extend(self.take_round(1)?);
        Ok(samples)
    }

    fn take_round(&mut self, round: u32) -> Result<Vec<Sample>, OpenError> {
        let named = |error| OpenError::of_map("profile_samples")(error);
        let of_round = |key: &Result<Key, _>| key.as_ref().map_or(true, |key| key.round == round);
        // Keys first: removing while walking would start the walk again.
        let keys: Vec<Key> = self.samples.keys().filter(of_round).collect::<Result<_, _>>().map_err(named)?;
        let mut samples = Vec::with_capacity(keys.len());
        for key in keys {
            samples.push(Sample::new(&key, &self.samples.get(&key, 0).map_err(named)?));
            self.samples.remove(&key).map_err(named)?;
        }
        Ok(samples)
    }

    /// Starts clocks on CPUs that came online.
    ///
    /// # Errors
    /// Why a CPU could not get its clock.
    pub fn follow_cpus(&mut self) -> Result<(), ClockError> {
        self.object.follow_cpus()
    }

    /// How good the stacks were, as far as the kernel knows.
    fn shortfalls(&self) -> Shortfalls {
        let sum = |index: u32| self.shortfalls.get(&index, 0).map_or(0, |per_cpu| per_cpu.iter().sum());
        Shortfalls { no_stack: sum(0), truncated: sum(1), unannounced: sum(2), unnamed: 0 }
    }
}

impl Probe for Profile {
    fn object(&self) -> &Object {
        &self.object
    }

    fn object_mut(&mut self) -> &mut Object {
        &mut self.object
    }

    fn counters(&self) -> Counters {
        Counters { misses: self.cost().misses, malformed: self.malformed, ..self.counters.read() }
    }
}
