//! Kernel events as log records, each with an event name and typed attributes.
//!
//! ```yaml
//! ebpf_events:
//!   probes:
//!     dropwatch:
//!       rate: 100
//!       burst: 200
//!     netrecvlat:
//!       user_copy_threshold: 115ms
//!     oom:
//! ```
//!
//! Events pass a token bucket in the kernel; what it holds back is counted (`kpulse_probe_dropped_events`).

mod dropwatch;
mod netrecvlat;
mod oom;
mod parts;

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, Section};
use ebpf::{Cgroups, Clock, EventProbe, Kernel, OpenError, Probe, Record, Symbols};
use identity::Container;
use pipeline::component::{BuildContext, Factory, Receiver, ReceiverConfig, ReceiverFactory, Stability, decode};
use pipeline::proto::LogsRequest;
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use pipeline::{Batch, BuildError, Origin, Outlet, Outlets, Signal, StartError, Stop, Tasks};

use crate::containers::Containers;
use crate::kernel::SharedKernel;
use crate::probe_cost::ProbeCosts;
use crate::probe_telemetry::{ProbeTelemetry, READ_EVERY};
use crate::resource::{Host, scope};

config::settings! {
    /// Kernel events by eBPF.
    pub struct Config {
        /// What is watched; a probe is on when it is named.
        pub probes: Probes = Probes::default(),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        let Probes { dropwatch, netrecvlat, oom } = &self.probes;
        if dropwatch.get().is_none() && netrecvlat.get().is_none() && oom.get().is_none() {
            decoder.at("probes", |d| d.error("must name at least one probe: dropwatch, netrecvlat, oom"));
        }
    }
}

config::settings! {
    /// The probes.
    pub struct Probes {
        /// Packets that the kernel dropped.
        pub dropwatch: Section<dropwatch::Config> = Section::on_when_named(),
        /// Packets that were late on their way from the device to the process that reads them.
        pub netrecvlat: Section<netrecvlat::Config> = Section::on_when_named(),
        /// Processes that the kernel killed for want of memory.
        pub oom: Section<oom::Config> = Section::on_when_named(),
    }
}

impl Rules for Probes {}

/// Its row in the receivers' table.
pub static FACTORY: ReceiverFactory = Factory {
    name: "ebpf_events",
    alias: None,
    signals: &[Signal::Logs],
    stability: Stability::Alpha,
    sample: "probes:\n  dropwatch:\n    rate: 100\n    burst: 200\n    ignored_reasons: [CONSUMED, NOT_SPECIFIED]\n  netrecvlat:\n    user_copy_threshold: 115ms\n  oom:\n    rate: 100\n    burst: 200\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ReceiverConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(EbpfEvents { config: self.clone(), kernel: SharedKernel::share(), cx }))
    }
}

struct EbpfEvents {
    config: Config,
    kernel: SharedKernel,
    cx: BuildContext,
}

#[async_trait]
impl Receiver for EbpfEvents {
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError> {
        let Some(outlet) = outlets.get(Signal::Logs) else {
            return Ok(());
        };
        let symbols = Symbols::start().map_err(|e| StartError(format!("no thread for symbols: {e}")))?;
        let costs = ProbeCosts::new(&self.cx.telemetry, &self.cx.id.to_string());
        let containers = Containers::share(&self.kernel, &self.cx, tasks)?;
        let mut opening = Opening { receiver: &self, symbols, containers, outlet, costs, tasks };
        let Probes { dropwatch, netrecvlat, oom } = &self.config.probes;
        opening.open::<dropwatch::Source>(dropwatch.get())?;
        opening.open::<netrecvlat::Source>(netrecvlat.get())?;
        opening.open::<oom::Source>(oom.get())?;
        opening.costs.spawn(opening.tasks);
        // The receiver lives even if no probe does, so that its end is not taken for a fault.
        let (mut stop, outlet) = (tasks.stop(), outlet.clone());
        tasks.spawn(self.cx.id.to_string(), async move {
            stop.requested().await;
            drop(outlet);
        });
        Ok(())
    }
}

/// What the probes of one receiver share while they are opened.
struct Opening<'a> {
    receiver: &'a EbpfEvents,
    symbols: Symbols,
    containers: Containers,
    outlet: &'a Outlet,
    costs: ProbeCosts,
    tasks: &'a mut Tasks,
}

impl Opening<'_> {
    /// Opens a probe that is on, and watches it.
    fn open<S: Source>(&mut self, config: Option<&S::Config>) -> Result<(), StartError> {
        let (cx, kernel) = (&self.receiver.cx, &self.receiver.kernel);
        let id = cx.id.to_string();
        let open = |config| kernel.open(&id, S::NAME, |kernel| S::open(kernel, config));
        let Some(mut source) = config.map(open).transpose()?.flatten() else {
            return Ok(());
        };
        self.costs.add(S::NAME, source.probe());
        let watching = Watching {
            telemetry: ProbeTelemetry::of_events(&cx.telemetry, &id, S::NAME),
            symbols: self.symbols.clone(),
            containers: self.containers.clone(),
            clock: Clock::default(),
            host: Host::read(),
            outlet: self.outlet.clone(),
            source,
        };
        self.tasks.spawn(format!("{id} ({})", S::NAME), watching.run(self.tasks.stop()));
        Ok(())
    }
}

/// One kind of event: a probe and how its records are said.
trait Source: Sized + Send + 'static {
    /// Its key below `probes`.
    const NAME: &'static str;
    /// Its settings.
    type Config;
    /// Its probe.
    type Probe: EventProbe<Record = Self::Event>;
    /// A record as the kernel wrote it.
    type Event: Record;
    /// Opens the probe.
    fn open(kernel: &mut Kernel, config: &Self::Config) -> Result<Self, OpenError>;
    /// Its probe.
    fn probe(&mut self) -> &mut Self::Probe;
    /// The cgroups of the owner, if it has any.
    fn cgroups(event: &Self::Event) -> Option<Cgroups>;
    /// Kernel addresses whose names the record shows.
    fn addresses(event: &Self::Event) -> Vec<u64>;
    /// The log record; `names` are those of the addresses.
    fn record(&self, event: &Self::Event, names: &[String], clock: &mut Clock, containers: &Containers) -> LogRecord;
    /// Called every second.
    fn every_second(&mut self) {}
}

struct Watching<S> {
    source: S,
    telemetry: ProbeTelemetry,
    symbols: Symbols,
    containers: Containers,
    clock: Clock,
    host: Host,
    outlet: Outlet,
}

impl<S: Source> Watching<S> {
    async fn run(mut self, mut stop: Stop) {
        let mut counters = tokio::time::interval(READ_EVERY);
        loop {
            tokio::select! {
                ready = self.source.probe().readable() => {
                    if let Err(error) = ready {
                        tracing::error!(probe = S::NAME, %error, "the ring can no longer be watched");
                        return;
                    }
                    self.forward().await;
                }
                _ = counters.tick() => {
                    self.source.every_second();
                    self.telemetry.update(self.source.probe().counters());
                }
                () = stop.requested() => break,
            }
        }
        // Off the hook first, then to the last record, then the counters: so that they add up.
        self.source.probe().detach();
        self.forward().await;
        self.telemetry.update(self.source.probe().counters());
    }

    async fn forward(&mut self) {
        let mut events = Vec::new();
        self.source.probe().drain(|event| events.push(*event));
        let mut by_owner: Vec<(Option<Container>, Vec<LogRecord>)> = Vec::new();
        for event in &events {
            let container = S::cgroups(event).and_then(|cgroups| self.containers.find(cgroups));
            let names = self.symbols.kernel(S::addresses(event)).await;
            let record = self.source.record(event, &names, &mut self.clock, &self.containers);
            match by_owner.iter_mut().find(|(owner, _)| *owner == container) {
                Some((_, records)) => records.push(record),
                None => by_owner.push((container, vec![record])),
            }
        }
        if by_owner.is_empty() {
            return;
        }
        let resource_logs = by_owner.into_iter().map(|(owner, records)| self.resource_logs(owner, records)).collect();
        self.outlet.offer(Batch::new(LogsRequest { resource_logs }, Arc::new(Origin::default())));
    }

    fn resource_logs(&self, owner: Option<Container>, log_records: Vec<LogRecord>) -> ResourceLogs {
        let resource = owner.map_or_else(|| self.host.resource(), |container| self.host.container(&container));
        let scoped = ScopeLogs { scope: Some(scope("ebpf_events")), log_records, ..ScopeLogs::default() };
        ResourceLogs { resource: Some(resource), scope_logs: vec![scoped], ..ResourceLogs::default() }
    }
}
