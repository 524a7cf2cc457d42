//! Who was behind a cgroup, for all receivers of the agent: one memory that the kernel keeps up to date.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use ebpf::Cgroups;
use ebpf::cgroups::CgroupChanges;
use identity::{CgroupKey, Container, Hierarchy};
use opentelemetry::KeyValue;
use opentelemetry::metrics::ObservableGauge;
use pipeline::component::BuildContext;
use pipeline::{ItemCounter, StartError, Tasks, Telemetry};

use crate::kernel::SharedKernel;
use crate::probe_telemetry::{ProbeTelemetry, READ_EVERY};

/// Receivers that run share this; it goes when the last one has stopped.
static SHARED: Mutex<Weak<Mutex<State>>> = Mutex::new(Weak::new());

/// How often the host is walked where the kernel does not tell, or could not tell everything.
const WALK_EVERY: Duration = Duration::from_secs(5);

/// A share of what is known of this host's containers.
#[derive(Clone)]
pub struct Containers(Arc<Mutex<State>>);

impl Containers {
    /// The share of one receiver; what is known is kept up to date while its tasks run.
    ///
    /// # Errors
    /// What is the same for every probe: no types of the kernel, no right to load programs.
    pub fn share(kernel: &SharedKernel, cx: &BuildContext, tasks: &mut Tasks) -> Result<Self, StartError> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let containers = match shared.upgrade() {
            Some(state) => Self(state),
            None => Self::open(kernel, cx)?,
        };
        *shared = Arc::downgrade(&containers.0);
        let (following, mut stop) = (containers.clone(), tasks.stop());
        tasks.spawn(format!("{} (containers)", cx.id), async move {
            let mut ticks = tokio::time::interval(READ_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = ticks.tick() => following.lock().follow(Instant::now()),
                    () = stop.requested() => break,
                }
            }
        });
        Ok(containers)
    }

    fn open(kernel: &SharedKernel, cx: &BuildContext) -> Result<Self, StartError> {
        let id = cx.id.to_string();
        let probe = kernel.open(&id, "cgroups", CgroupChanges::open)?;
        let mut known = identity::Containers::of_host();
        // After the probe is there, so that none is missed in between.
        known.walk(Instant::now());
        let telemetry = ProbeTelemetry::of_folded(&cx.telemetry, &id, "cgroups");
        let (walked, untold, overflows) = (Instant::now(), 0, 0);
        let state = |size: &Weak<Mutex<State>>| {
            let cache = CacheTelemetry::new(&cx.telemetry, size.clone());
            Mutex::new(State { probe, known, telemetry, cache, walked, untold, overflows })
        };
        Ok(Self(Arc::new_cyclic(state)))
    }

    /// The container behind a task's cgroups, also when it has ended a while ago. `None` outside containers.
    pub fn find(&self, cgroups: Cgroups) -> Option<Container> {
        self.lock().find(cgroups)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State {
    /// `None` where this kernel cannot tell of cgroups.
    probe: Option<CgroupChanges>,
    known: identity::Containers,
    telemetry: ProbeTelemetry,
    cache: CacheTelemetry,
    walked: Instant,
    untold: u64,
    overflows: u64,
}

impl State {
    fn find(&mut self, Cgroups { unified, v1_memory }: Cgroups) -> Option<Container> {
        if let Some(container) = self.known.remembered(unified, v1_memory) {
            return Some(container);
        }
        if self.known.is_outside(unified, v1_memory) {
            return None;
        }
        let now = Instant::now();
        self.catch_up(now);
        // The kernel wrote of a cgroup before anything could happen in it.
        self.known.remembered(unified, v1_memory).or_else(|| self.known.look_up(unified, v1_memory, now))
    }

    /// Takes in what the kernel told since.
    fn catch_up(&mut self, now: Instant) {
        let Self { probe: Some(probe), known, .. } = self else {
            return;
        };
        probe.drain_changes(|change, path| {
            let hierarchy = if change.is_in_v1_memory() { Hierarchy::V1Memory } else { Hierarchy::Unified };
            let cgroup = CgroupKey { hierarchy, id: change.id() };
            if change.is_removed() {
                known.removed(cgroup, now);
            } else {
                known.made(cgroup, path, now);
            }
        });
    }

    fn follow(&mut self, now: Instant) {
        self.catch_up(now);
        let untold = self.probe.as_ref().map(CgroupChanges::untold);
        let is_blind = untold.is_none_or(|untold| untold > self.untold);
        if is_blind && now.saturating_duration_since(self.walked) >= WALK_EVERY {
            self.walked = now;
            self.untold = untold.unwrap_or_default();
            self.known.walk(now);
        }
        if let Some(probe) = &self.probe {
            self.telemetry.update(ebpf::Probe::counters(probe));
        }
        self.cache.overflows.add(self.known.overflows() - self.overflows);
        self.overflows = self.known.overflows();
    }
}

/// What the memory of containers says of itself.
struct CacheTelemetry {
    overflows: ItemCounter,
    _cgroups: ObservableGauge<u64>,
}

impl CacheTelemetry {
    fn new(telemetry: &Telemetry, state: Weak<Mutex<State>>) -> Self {
        let about = "Number of times that the memory of containers had no room for one more cgroup, or made room by forgetting one before its time.";
        let gauge = telemetry.meter().u64_observable_gauge("kpulse_container_cache_cgroups");
        let gauge = gauge.with_description("Number of cgroups whose container is known.").with_callback(move |gauge| {
            if let Some(state) = state.upgrade() {
                gauge.observe(state.lock().unwrap_or_else(PoisonError::into_inner).known.len() as u64, &NO_LABELS);
            }
        });
        let overflows = telemetry.items("kpulse_container_cache_overflows".into(), about, Vec::new());
        Self { overflows, _cgroups: gauge.build() }
    }
}

const NO_LABELS: [KeyValue; 0] = [];
