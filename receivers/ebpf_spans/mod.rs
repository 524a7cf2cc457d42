//! Requests and their responses as spans, seen from outside at both ends of a connection.
//!
//! ```yaml
//! ebpf_spans:
//!   protocols:
//!     http:
//!     tcp:
//!   min_duration: 10ms
//!   rate: 1000
//!   burst: 2000
//!   ports: [80, 8000-8999]
//! ```
//!
//! HTTP/1.x is told by its first bytes; `tcp` adds everything else that answers what it is sent. A `traceparent` in the
//! request is continued; without one, the client's and the server's span of a request still come into one trace.

mod http;
mod ids;
mod ports;
mod spans;
mod template;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, Section};
use ebpf::sockets::{Settings, Sockets};
use ebpf::{EventProbe, Probe, Rate};
use identity::Container;
use pipeline::component::{BuildContext, Factory, Receiver, ReceiverConfig, ReceiverFactory, Stability, decode};
use pipeline::proto::TracesRequest;
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use pipeline::{Batch, BuildError, Origin, Outlet, Outlets, Signal, StartError, Stop, Tasks};

use crate::containers::Containers;
use crate::kernel::SharedKernel;
use crate::probe_telemetry::{ProbeTelemetry, READ_EVERY};
use crate::resource::{Host, scope};
use ports::PortRange;
use spans::{Teller, Told};

/// How often the ring is looked at, and responses that have fallen silent.
const LOOK_EVERY: Duration = Duration::from_millis(200);

config::settings! {
    /// Spans by eBPF.
    pub struct Config {
        /// What becomes spans; a protocol is on when it is named.
        pub protocols: Protocols = Protocols::default(),
        /// Shorter ones are left out, in the kernel.
        pub min_duration: Duration = Duration::ZERO,
        /// Spans a second for each protocol and side; 0 takes the limit off. Held in the kernel.
        pub rate: u32 = Settings::default().rate.per_second,
        /// Spans at once, for each protocol and side.
        pub burst: u32 = Settings::default().rate.burst,
        /// Ports of servers, single ones and ranges (`8000-8999`); empty for all.
        pub ports: Vec<PortRange> = Vec::new(),
    }
}

config::settings! {
    /// The protocols.
    pub struct Protocols {
        /// HTTP/1.x without TLS.
        pub http: Section<Empty> = Section::on_when_named(),
        /// Whatever else answers over TCP what it is sent.
        pub tcp: Section<Empty> = Section::on_when_named(),
    }
}

impl Rules for Protocols {}

config::settings! {
    /// A protocol without settings of its own.
    pub struct Empty {}
}

impl Rules for Empty {}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.protocols.http.get().is_none() && self.protocols.tcp.get().is_none() {
            decoder.at("protocols", |d| d.error("must name at least one protocol: http, tcp"));
        }
        if self.burst == 0 {
            decoder.at("burst", |d| d.error("must be at least 1"));
        }
    }
}

impl Config {
    fn settings(&self) -> Settings {
        Settings {
            rate: Rate { per_second: self.rate, burst: self.burst },
            http: self.protocols.http.get().is_some(),
            tcp: self.protocols.tcp.get().is_some(),
            least: self.min_duration,
            ports: self.ports.iter().flat_map(PortRange::ports).collect(),
            ..Settings::default()
        }
    }
}

/// Its row in the receivers' table.
pub static FACTORY: ReceiverFactory = Factory {
    name: "ebpf_spans",
    alias: None,
    signals: &[Signal::Traces],
    stability: Stability::Alpha,
    sample: "protocols:\n  http:\n  tcp:\nmin_duration: 10ms\nrate: 1000\nburst: 2000\nports: [80, 8000-8999]\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ReceiverConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(EbpfSpans { config: self.clone(), kernel: SharedKernel::share(), cx }))
    }
}

struct EbpfSpans {
    config: Config,
    kernel: SharedKernel,
    cx: BuildContext,
}

#[async_trait]
impl Receiver for EbpfSpans {
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError> {
        let Some(outlet) = outlets.get(Signal::Traces) else {
            return Ok(());
        };
        let id = self.cx.id.to_string();
        let settings = self.config.settings();
        let probe = self.kernel.open(&id, "sockets", |kernel| Sockets::open(kernel, &settings))?;
        let containers = Containers::share(&self.kernel, &self.cx, tasks)?;
        let watching = probe.map(|probe| Watching {
            telemetry: ProbeTelemetry::of_events(&self.cx.telemetry, &id, "sockets"),
            teller: Teller::new(),
            containers,
            host: Host::read(),
            outlet: outlet.clone(),
            probe,
        });
        let mut stop = tasks.stop();
        // The receiver lives even if its probe does not, so that its end is not taken for a fault.
        tasks.spawn(id, async move {
            match watching {
                Some(watching) => watching.run(stop).await,
                None => stop.requested().await,
            }
        });
        Ok(())
    }
}

struct Watching {
    probe: Sockets,
    telemetry: ProbeTelemetry,
    teller: Teller,
    containers: Containers,
    host: Host,
    outlet: Outlet,
}

impl Watching {
    async fn run(mut self, mut stop: Stop) {
        let mut counters = tokio::time::interval(READ_EVERY);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ready = self.probe.readable() => {
                    if let Err(error) = ready {
                        tracing::error!(%error, "the ring can no longer be watched");
                        return;
                    }
                    self.forward();
                }
                _ = looks.tick() => self.look(),
                _ = counters.tick() => self.telemetry.update(self.probe.counters()),
                () = stop.requested() => break,
            }
        }
        // Off the hook first, then to the last record, then the counters: so that they add up.
        self.probe.detach();
        self.forward();
        self.telemetry.update(self.probe.counters());
    }

    fn look(&mut self) {
        if let Err(error) = self.probe.visit() {
            tracing::warn!(%error, "cannot look for responses that have fallen silent");
        }
        self.forward();
    }

    fn forward(&mut self) {
        let Self { probe, teller, containers, .. } = self;
        let mut by_owner: Vec<(Option<Container>, Vec<Span>)> = Vec::new();
        probe.drain_exchanges(|exchange, excerpt| {
            let Told::Spans(spans) = teller.tell(exchange, excerpt) else {
                return;
            };
            let container = containers.find(exchange.task().cgroups);
            match by_owner.iter_mut().find(|(owner, _)| *owner == container) {
                Some((_, all)) => all.extend(spans),
                None => by_owner.push((container, spans)),
            }
        });
        if by_owner.is_empty() {
            return;
        }
        let resource_spans = by_owner.into_iter().map(|(owner, spans)| self.resource_spans(owner, spans)).collect();
        self.outlet.offer(Batch::new(TracesRequest { resource_spans }, Arc::new(Origin::default())));
    }

    fn resource_spans(&self, owner: Option<Container>, spans: Vec<Span>) -> ResourceSpans {
        let resource = owner.map_or_else(|| self.host.resource(), |container| self.host.container(&container));
        let scoped = ScopeSpans { scope: Some(scope("ebpf_spans")), spans, ..ScopeSpans::default() };
        ResourceSpans { resource: Some(resource), scope_spans: vec![scoped], ..ResourceSpans::default() }
    }
}
