//! Kernel metrics, folded in the kernel and read at an interval.
//!
//! ```yaml
//! ebpf_metrics:
//!   collection_interval: 10s
//!   scrapers:
//!     runqlat:
//!     softirq:
//!     cpu:
//!     load:
//!     memory:
//! ```
//!
//! All metrics are cumulative; a series starts when its probe attached. What the kernel counts anyway (`cpu`, `load`,
//! `memory`) is read from /proc.

mod cpu;
mod load;
mod memory;
pub(crate) mod points;
pub(crate) mod runqlat;
mod softirq;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, Section};
use ebpf::{Clock, Counters, Kernel, OpenError};
use pipeline::component::{BuildContext, Factory, Receiver, ReceiverConfig, ReceiverFactory, Stability, decode};
use pipeline::proto::MetricsRequest;
use pipeline::proto::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use pipeline::{Batch, BuildError, Origin, Outlet, Outlets, Signal, StartError, Stop, Tasks};

use crate::kernel::SharedKernel;
use crate::probe_telemetry::ProbeTelemetry;
use crate::resource::{Host, scope};

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
        pub runqlat: Section<Empty> = Section::on_when_named(),
        /// How long raised softirqs waited for their handler.
        pub softirq: Section<Empty> = Section::on_when_named(),
        /// Time of each CPU by mode.
        pub cpu: Section<Empty> = Section::on_when_named(),
        /// Load averages.
        pub load: Section<Empty> = Section::on_when_named(),
        /// Memory by state.
        pub memory: Section<Empty> = Section::on_when_named(),
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
    sample: "collection_interval: 10s\nscrapers:\n  runqlat:\n  softirq:\n  cpu:\n  load:\n  memory:\n",
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
    /// Its metrics as of now.
    fn collect(&mut self, now_unix_ns: u64) -> Result<Vec<Metric>, ReadError>;
    /// What its probe could not fold; none where there is no probe.
    fn counters(&mut self) -> Option<Counters>;
}

/// Why numbers could not be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Probe(#[from] OpenError),
    #[error("/proc: {0}")]
    Proc(#[from] procfs::ProcError),
}

/// Opens a scraper whose probe starts at this time.
type Open = fn(&mut Kernel, u64) -> Result<Box<dyn Scraper>, OpenError>;

impl Scrapers {
    /// Those that are on, in the order they are read.
    fn enabled(&self) -> Vec<(&'static str, Open)> {
        let rows: [(&'static str, &Section<Empty>, Open); 5] = [
            ("runqlat", &self.runqlat, runqlat::open),
            ("softirq", &self.softirq, softirq::open),
            ("cpu", &self.cpu, cpu::open),
            ("load", &self.load, load::open),
            ("memory", &self.memory, memory::open),
        ];
        rows.into_iter().filter(|(_, section, _)| section.get().is_some()).map(|(name, _, open)| (name, open)).collect()
    }
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
        let id = self.cx.id.to_string();
        let mut clock = Clock::default();
        let mut scrapers = Vec::new();
        for (name, open) in self.config.scrapers.enabled() {
            let opened = self.kernel.open(&id, name, |kernel| open(kernel, clock.now_unix_ns()))?;
            scrapers.extend(opened.map(|mut scraper| {
                let probe = scraper.counters().is_some();
                (scraper, probe.then(|| ProbeTelemetry::of_folded(&self.cx.telemetry, &id, name)))
            }));
        }
        let reading = Reading { scrapers, clock, host: Host::read(), outlet: outlet.clone() };
        tasks.spawn(id, run(reading, self.config, tasks.stop()));
        Ok(())
    }
}

struct Reading {
    scrapers: Vec<(Box<dyn Scraper>, Option<ProbeTelemetry>)>,
    clock: Clock,
    host: Host,
    outlet: Outlet,
}

async fn run(mut reading: Reading, config: Config, mut stop: Stop) {
    let first = tokio::time::Instant::now() + config.initial_delay;
    let mut ticks = tokio::time::interval_at(first, config.collection_interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => reading.collect(),
            () = stop.requested() => break,
        }
    }
    // The last values are worth having too.
    reading.collect();
}

impl Reading {
    fn collect(&mut self) {
        let now = self.clock.now_unix_ns();
        let mut metrics = Vec::new();
        for (scraper, telemetry) in &mut self.scrapers {
            if let (Some(telemetry), Some(counters)) = (telemetry, scraper.counters()) {
                telemetry.update(counters);
            }
            match scraper.collect(now) {
                Ok(more) => metrics.extend(more),
                Err(error) => tracing::error!(scraper = scraper.name(), %error, "cannot read"),
            }
        }
        if !metrics.is_empty() {
            self.outlet.offer(self.batch(metrics));
        }
    }

    fn batch(&self, metrics: Vec<Metric>) -> Batch {
        let scoped = ScopeMetrics { scope: Some(scope("ebpf_metrics")), metrics, ..ScopeMetrics::default() };
        let resource = Some(self.host.resource());
        let resource_metrics = vec![ResourceMetrics { resource, scope_metrics: vec![scoped], ..Default::default() }];
        Batch::new(MetricsRequest { resource_metrics }, Arc::new(Origin::default()))
    }
}
