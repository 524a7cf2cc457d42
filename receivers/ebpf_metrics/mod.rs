//! Kernel metrics, folded in the kernel and read at an interval.
//!
//! ```yaml
//! ebpf_metrics:
//!   collection_interval: 10s
//!   scrapers:
//!     runqlat:
//!       containers: true
//!     softirq:
//!     cpu:
//!     load:
//!     memory:
//! ```
//!
//! All metrics are cumulative; a series starts when its probe attached. What the kernel counts anyway (`cpu`, `load`,
//! `memory`) is read from /proc, and from cgroup files for containers; the series of a container that is gone end with one
//! point without value.

mod cpu;
mod load;
mod memory;
pub(crate) mod points;
mod reading;
pub(crate) mod runqlat;
mod softirq;

use std::time::Duration;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, Section};
use ebpf::{Clock, Kernel, OpenError, Probe};
use pipeline::component::{BuildContext, Factory, Receiver, ReceiverConfig, ReceiverFactory, Stability, decode};
use pipeline::{BuildError, Outlets, Signal, StartError, Tasks};

use crate::kernel::SharedKernel;
use crate::probe_cost::ProbeCosts;
use crate::probe_telemetry::ProbeTelemetry;

use reading::{Reading, Readings, Round};

config::settings! {
    /// Kernel metrics by eBPF.
    pub struct Config {
        /// Time between two readings.
        pub collection_interval: Duration = Duration::from_secs(60),
        /// Time from the start to the first reading.
        pub initial_delay: Duration = Duration::ZERO,
        /// What is measured; a scraper is on when it is named.
        pub scrapers: Scrapers = Scrapers::default(),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.collection_interval.is_zero() {
            decoder.at("collection_interval", |d| d.error("must be greater than zero"));
        }
        if self.scrapers.enabled().is_empty() {
            decoder
                .at("scrapers", |d| d.error("must name at least one scraper: runqlat, softirq, cpu, load or memory"));
        }
    }
}

config::settings! {
    /// The scrapers.
    pub struct Scrapers {
        /// How long runnable tasks waited for a CPU.
        pub runqlat: Section<runqlat::Config> = Section::on_when_named(),
        /// How long raised softirqs waited for their handler.
        pub softirq: Section<Empty> = Section::on_when_named(),
        /// Time of each CPU by mode, and of each container.
        pub cpu: Section<cpu::Config> = Section::on_when_named(),
        /// Load averages.
        pub load: Section<Empty> = Section::on_when_named(),
        /// Memory by state, and of each container.
        pub memory: Section<memory::Config> = Section::on_when_named(),
    }
}

impl Rules for Scrapers {}

config::settings! {
    /// A scraper without settings of its own.
    pub struct Empty {}
}

impl Rules for Empty {}

/// Its row in the receivers' table.
pub static FACTORY: ReceiverFactory = Factory {
    name: "ebpf_metrics",
    alias: None,
    signals: &[Signal::Metrics],
    stability: Stability::Alpha,
    sample: "collection_interval: 10s\nscrapers:\n  runqlat:\n    containers: true\n  softirq:\n  cpu:\n  load:\n  memory:\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ReceiverConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(EbpfMetrics { config: self.clone(), kernel: SharedKernel::share(), cx }))
    }
}

/// One thing that is measured: a probe and how its numbers are said.
trait Scraper: Send {
    /// Its key below `scrapers`.
    fn name(&self) -> &'static str;
    /// Whether it has anything to say of containers.
    fn wants_containers(&self) -> bool {
        false
    }
    /// Adds its metrics as of now.
    fn collect(&mut self, round: &Round<'_>, readings: &mut Readings) -> Result<(), ReadError>;
    /// Its probe, if it has one.
    fn probe(&self) -> Option<&dyn Probe> {
        None
    }
}

/// Why numbers could not be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Probe(#[from] OpenError),
    #[error("/proc: {0}")]
    Proc(#[from] procfs::ProcError),
}

/// What opening a scraper gives.
type Opened = Result<Box<dyn Scraper>, OpenError>;

/// Opens a scraper whose probe starts at this time.
type Open = Box<dyn Fn(&mut Kernel, u64) -> Opened + Send>;

impl Scrapers {
    /// Those that are on, in the order they are read.
    fn enabled(&self) -> Vec<(&'static str, Open)> {
        let rows: [(&'static str, Option<Open>); 5] = [
            ("runqlat", row(&self.runqlat, runqlat::open)),
            ("softirq", row(&self.softirq, softirq::open)),
            ("cpu", row(&self.cpu, cpu::open)),
            ("load", row(&self.load, load::open)),
            ("memory", row(&self.memory, memory::open)),
        ];
        rows.into_iter().filter_map(|(name, open)| Some((name, open?))).collect()
    }
}

fn row<C: Clone + Send + 'static>(section: &Section<C>, open: fn(&C, &mut Kernel, u64) -> Opened) -> Option<Open> {
    let config = section.get()?.clone();
    Some(Box::new(move |kernel, start_unix_ns| open(&config, kernel, start_unix_ns)))
}

struct EbpfMetrics {
    config: Config,
    kernel: SharedKernel,
    cx: BuildContext,
}

#[async_trait]
impl Receiver for EbpfMetrics {
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError> {
        let Some(outlet) = outlets.get(Signal::Metrics) else {
            return Ok(());
        };
        let (id, telemetry) = (self.cx.id.to_string(), &self.cx.telemetry);
        let (mut clock, mut scrapers) = (Clock::default(), Vec::new());
        let mut costs = ProbeCosts::new(telemetry, &id);
        for (name, open) in self.config.scrapers.enabled() {
            let Some(scraper) = self.kernel.open(&id, name, |kernel| open(kernel, clock.now_unix_ns()))? else {
                continue;
            };
            let losses = scraper.probe().map(|probe| {
                costs.add(name, probe);
                ProbeTelemetry::of_folded(telemetry, &id, name)
            });
            scrapers.push((scraper, losses));
        }
        costs.spawn(tasks);
        let reading = Reading::new(scrapers, clock, outlet.clone());
        tasks.spawn(id, reading.run(self.config.initial_delay, self.config.collection_interval, tasks.stop()));
        Ok(())
    }
}
