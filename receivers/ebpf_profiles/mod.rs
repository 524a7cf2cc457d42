//! What runs on the CPUs, by stacks: a timer on every CPU samples kernel and user code of all processes.
//!
//! ```yaml
//! ebpf_profiles:
//!   samples_per_second: 19
//!   reporter_interval: 10s
//! ```
//!
//! User stacks are followed by frame pointers. Names come from symbol tables and debug information of the files that
//! processes execute, wherever these lie, with functions that Rust or Go inlined; from `/tmp/perf-PID.map` for code that
//! was compiled at run time; and from /proc/kallsyms. One profile per container and interval, one for the host; samples
//! carry process and thread.

mod fold;

use std::time::Duration;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules};
use ebpf::Clock;
use ebpf::profile::{MAX_FREQUENCY_HZ, READ_EVERY, Recorder, Resolved, Settings};
use pipeline::component::{BuildContext, Factory, Receiver, ReceiverConfig, ReceiverFactory, Stability, decode};
use pipeline::{BuildError, Outlet, Outlets, Signal, StartError, Stop, Tasks};

use crate::containers::Containers;
use crate::kernel::SharedKernel;
use crate::probe_cost::ProbeCosts;
use crate::probe_telemetry::ProbeTelemetry;
use crate::resource::Host;
use fold::Fold;

/// How long names are looked up at a stop, which has a limit itself; samples whose names take longer go without.
const NAMES_WITHIN: Duration = Duration::from_secs(5);

config::settings! {
    /// CPU profiles by eBPF.
    pub struct Config {
        /// Samples a second on each CPU.
        pub samples_per_second: u32 = Settings::default().frequency_hz,
        /// Time between two profiles of a container.
        pub reporter_interval: Duration = Duration::from_secs(10),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if !(1..=MAX_FREQUENCY_HZ).contains(&self.samples_per_second) {
            let range = format!("must be between 1 and {MAX_FREQUENCY_HZ}");
            decoder.at("samples_per_second", |d| d.error(&range));
        }
        if self.reporter_interval < READ_EVERY {
            decoder.at("reporter_interval", |d| d.error("must be at least 1s"));
        }
    }
}

/// Its row in the receivers' table.
pub static FACTORY: ReceiverFactory = Factory {
    name: "ebpf_profiles",
    alias: None,
    signals: &[Signal::Profiles],
    stability: Stability::Alpha,
    sample: "samples_per_second: 19\nreporter_interval: 10s\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ReceiverConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(EbpfProfiles { config: self.clone(), kernel: SharedKernel::share(), cx }))
    }
}

struct EbpfProfiles {
    config: Config,
    kernel: SharedKernel,
    cx: BuildContext,
}

#[async_trait]
impl Receiver for EbpfProfiles {
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError> {
        let Some(outlet) = outlets.get(Signal::Profiles).cloned() else {
            return Ok(());
        };
        let id = self.cx.id.to_string();
        let settings = Settings { frequency_hz: self.config.samples_per_second, process: None };
        let recorder = self.kernel.open(&id, "profile", |kernel| Recorder::open(kernel, settings))?;
        let mut stop = tasks.stop();
        let Some(recorder) = recorder else {
            // Lives on without its probe, so that its end is not taken for a fault.
            tasks.spawn(id, async move {
                stop.requested().await;
                drop(outlet);
            });
            return Ok(());
        };
        let mut costs = ProbeCosts::new(&self.cx.telemetry, &id);
        costs.add("profile", recorder.probe());
        costs.spawn(tasks);
        let mut clock = Clock::default();
        let containers = Containers::share(&self.kernel, &self.cx, tasks)?;
        let fold = Fold::new(settings.period(), clock.now_unix_ns(), Host::read(), containers);
        let telemetry = ProbeTelemetry::of_samples(&self.cx.telemetry, &id, "profile");
        let reports = tokio::time::interval_at(first_report(&self.config), self.config.reporter_interval);
        tasks.spawn(id, Profiling { recorder, fold, telemetry, clock, outlet, reports }.run(stop));
        Ok(())
    }
}

fn first_report(config: &Config) -> tokio::time::Instant {
    tokio::time::Instant::now() + config.reporter_interval
}

struct Profiling {
    recorder: Recorder,
    fold: Fold,
    telemetry: ProbeTelemetry,
    clock: Clock,
    outlet: Outlet,
    reports: tokio::time::Interval,
}

impl Profiling {
    async fn run(mut self, mut stop: Stop) {
        self.reports.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                samples = self.recorder.next() => match samples {
                    Ok(samples) => self.fold(&samples),
                    Err(error) => {
                        tracing::error!(probe = "profile", %error, "cannot be read any longer");
                        return;
                    }
                },
                _ = self.reports.tick() => self.report(),
                () = stop.requested() => break,
            }
        }
        self.recorder.stop();
        match self.recorder.rest(tokio::time::sleep(NAMES_WITHIN)).await {
            Ok(rest) => self.fold(&rest),
            Err(error) => tracing::error!(probe = "profile", %error, "the last samples cannot be read"),
        }
        self.report();
    }

    fn fold(&mut self, samples: &[Resolved]) {
        self.telemetry.update(self.recorder.counters());
        self.telemetry.update_stacks(self.recorder.shortfalls());
        samples.iter().for_each(|sample| self.fold.add(sample));
        // Bounded memory: a busy machine gets more profiles, not larger ones.
        if self.fold.is_full() {
            self.report();
        }
    }

    fn report(&mut self) {
        let now = self.clock.now_unix_ns();
        if let Some(batch) = self.fold.finish(now) {
            self.outlet.offer(batch);
        }
    }
}
