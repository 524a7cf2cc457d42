//! Kernel events as log records, each with an event name and typed attributes.
//!
//! ```yaml
//! ebpf_events:
//!   probes:
//!     dropwatch:
//!       rate: 100
//!       burst: 200
//! ```
//!
//! Events pass a token bucket in the kernel; what it holds back is counted (`kpulse_probe_dropped_events`).

mod dropwatch;

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, Section};
use ebpf::dropwatch::{Drop as Dropped, Dropwatch};
use ebpf::{Clock, Probe, Symbols};
use identity::{Container, Containers};
use pipeline::component::{BuildContext, Factory, Receiver, ReceiverConfig, ReceiverFactory, Stability, decode};
use pipeline::proto::LogsRequest;
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use pipeline::{Batch, BuildError, Origin, Outlet, Outlets, Signal, StartError, Stop, Tasks};

use crate::kernel::SharedKernel;
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
        if self.probes.dropwatch.get().is_none() {
            decoder.at("probes", |d| d.error("must name at least one probe: dropwatch"));
        }
    }
}

config::settings! {
    /// The probes.
    pub struct Probes {
        /// Packets that the kernel dropped.
        pub dropwatch: Section<dropwatch::Config> = Section::on_when_named(),
    }
}

impl Rules for Probes {}

/// Its row in the receivers' table.
pub static FACTORY: ReceiverFactory = Factory {
    name: "ebpf_events",
    alias: None,
    signals: &[Signal::Logs],
    stability: Stability::Alpha,
    sample: "probes:\n  dropwatch:\n    rate: 100\n    burst: 200\n    ignored_reasons: [CONSUMED, NOT_SPECIFIED]\n",
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
        let (Some(outlet), Some(config)) = (outlets.get(Signal::Logs), self.config.probes.dropwatch.get()) else {
            return Ok(());
        };
        let opened = self.kernel.open(|kernel| Dropwatch::open(kernel, config.settings()));
        let probe = match opened.map_err(|e| StartError(e.to_string()))? {
            Ok(probe) => probe,
            Err(error) => {
                tracing::error!(receiver = %self.cx.id, probe = "dropwatch", %error, "not available on this kernel");
                let mut stop = tasks.stop();
                tasks.spawn(self.cx.id.to_string(), async move { stop.requested().await });
                return Ok(());
            }
        };
        config.warn_of_unknown_reasons(probe.reasons());
        let watching = Watching {
            telemetry: ProbeTelemetry::of_events(&self.cx.telemetry, &self.cx.id.to_string(), "dropwatch"),
            symbols: Symbols::start().map_err(|e| StartError(format!("no thread for symbols: {e}")))?,
            containers: Containers::of_host(),
            clock: Clock::default(),
            host: Host::read(),
            outlet: outlet.clone(),
            probe,
        };
        tasks.spawn(self.cx.id.to_string(), watching.run(tasks.stop()));
        Ok(())
    }
}

struct Watching {
    probe: Dropwatch,
    telemetry: ProbeTelemetry,
    symbols: Symbols,
    containers: Containers,
    clock: Clock,
    host: Host,
    outlet: Outlet,
}

impl Watching {
    async fn run(mut self, mut stop: Stop) {
        let mut counters = tokio::time::interval(READ_EVERY);
        loop {
            tokio::select! {
                ready = self.probe.readable() => {
                    if let Err(error) = ready {
                        tracing::error!(%error, "the ring can no longer be watched");
                        return;
                    }
                    self.forward().await;
                }
                _ = counters.tick() => self.telemetry.update(self.probe.control().counters()),
                () = stop.requested() => break,
            }
        }
        // Off the hook first, then to the last record, then the counters: so that they add up.
        self.probe.control().detach();
        self.forward().await;
        self.telemetry.update(self.probe.control().counters());
    }

    async fn forward(&mut self) {
        let mut drops = Vec::new();
        self.probe.drain(|drop| drops.push(*drop));
        if drops.is_empty() {
            return;
        }
        let mut by_owner: Vec<(Option<Container>, Vec<LogRecord>)> = Vec::new();
        for drop in &drops {
            let container = self.container(drop);
            // The freeing function first, then the stack, in one question.
            let addresses = std::iter::once(drop.location).chain(drop.stack().iter().copied()).collect();
            let names = self.symbols.kernel(addresses).await;
            let record = dropwatch::record(drop, self.probe.reasons(), &names, &mut self.clock);
            match by_owner.iter_mut().find(|(owner, _)| *owner == container) {
                Some((_, records)) => records.push(record),
                None => by_owner.push((container, vec![record])),
            }
        }
        let resource_logs = by_owner.into_iter().map(|(owner, records)| self.resource_logs(owner, records)).collect();
        self.outlet.offer(Batch::new(LogsRequest { resource_logs }, Arc::new(Origin::default())));
    }

    fn container(&mut self, drop: &Dropped) -> Option<Container> {
        let cgroups = dropwatch::cgroups(drop)?;
        self.containers.find(cgroups.unified, cgroups.v1_memory)
    }

    fn resource_logs(&self, owner: Option<Container>, log_records: Vec<LogRecord>) -> ResourceLogs {
        let resource = owner.map_or_else(|| self.host.resource(), |container| self.host.container(&container));
        let scoped = ScopeLogs { scope: Some(scope("ebpf_events")), log_records, ..ScopeLogs::default() };
        ResourceLogs { resource: Some(resource), scope_logs: vec![scoped], ..ResourceLogs::default() }
    }
}
