//! The open probe: records become spans, and the table of flows becomes metrics.

use std::sync::Arc;
use std::time::Duration;

use ebpf::sockets::Sockets;
use ebpf::{Clock, EventProbe, Probe};
use identity::Container;
use opentelemetry::KeyValue;
use pipeline::component::BuildContext;
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use pipeline::proto::{MetricsRequest, TracesRequest};
use pipeline::{Batch, ItemCounter, Origin, Outlet, Stop};
use tokio::time::{Interval, MissedTickBehavior};

use super::config::Config;
use super::flows::FlowSeries;
use super::spans::{Teller, Told};
use crate::containers::Containers;
use crate::probe_telemetry::{ProbeTelemetry, READ_EVERY};
use crate::resource::{Host, scope};

/// How often the ring is looked at, and responses that have fallen silent.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) struct Watching {
    probe: Sockets,
    telemetry: ProbeTelemetry,
    containers: Containers,
    host: Host,
    spans: Option<Spans>,
    flows: Option<Flows>,
}

struct Spans {
    teller: Teller,
    outlet: Outlet,
}

struct Flows {
    series: FlowSeries,
    clock: Clock,
    ticks: Interval,
    overflows: ItemCounter,
    overflows_told: u64,
    outlet: Outlet,
}

impl Watching {
    pub fn new(
        probe: Sockets,
        containers: Containers,
        config: &Config,
        cx: &BuildContext,
        traces: Option<&Outlet>,
        metrics: Option<&Outlet>,
    ) -> Self {
        let flows = config.flows.get().zip(metrics).map(|(flows, outlet)| {
            let mut clock = Clock::default();
            let labels = vec![KeyValue::new("receiver", cx.id.to_string())];
            let about = "Number of times that what a connection moved found no room in the table of flows.";
            Flows {
                series: FlowSeries::new(flows.idle_timeout, clock.now_unix_ns()),
                clock,
                ticks: every(flows.collection_interval),
                overflows: cx.telemetry.items("kpulse_flow_overflows".into(), about, labels),
                overflows_told: 0,
                outlet: outlet.clone(),
            }
        });
        Self {
            telemetry: ProbeTelemetry::of_events(&cx.telemetry, &cx.id.to_string(), "sockets"),
            containers,
            host: Host::read(),
            spans: traces.map(|outlet| Spans { teller: Teller::new(), outlet: outlet.clone() }),
            flows,
            probe,
        }
    }

    pub async fn run(mut self, mut stop: Stop) {
        let (mut counters, mut looks) = (every(READ_EVERY), every(LOOK_EVERY));
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
                _ = counters.tick() => self.keep_up(),
                () = next(&mut self.flows) => self.collect(),
                () = stop.requested() => break,
            }
        }
        // What connections that stay open have moved can be asked for only as long as the probe is attached.
        self.collect();
        // Off the hook, then to the last record, then the counters: so that they add up.
        self.probe.detach();
        self.forward();
        self.telemetry.update(self.probe.counters());
    }

    fn keep_up(&mut self) {
        if let Err(error) = self.probe.follow_clock() {
            tracing::warn!(%error, "cannot follow the clock of packet stamps");
        }
        self.telemetry.update(self.probe.counters());
    }

    fn look(&mut self) {
        if self.spans.is_none() {
            return;
        }
        if let Err(error) = self.probe.visit() {
            tracing::warn!(%error, "cannot look for responses that have fallen silent");
        }
        self.forward();
    }

    fn forward(&mut self) {
        let Self { probe, spans: Some(Spans { teller, outlet }), containers, host, .. } = self else {
            return;
        };
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
        let resource_spans = by_owner.into_iter().map(|(owner, spans)| of_resource(host, owner, spans)).collect();
        outlet.offer(Batch::new(TracesRequest { resource_spans }, Arc::new(Origin::default())));
    }

    fn collect(&mut self) {
        let Self { probe, flows: Some(flows), containers, host, .. } = self else {
            return;
        };
        let read = match probe.flows() {
            Ok(read) => read,
            Err(error) => return tracing::error!(%error, "cannot read flows"),
        };
        let now_unix_ns = flows.clock.now_unix_ns();
        let find = |key: &ebpf::sockets::FlowKey| containers.find(key.cgroups());
        for key in flows.series.update(&read, now_unix_ns, find) {
            if let Err(error) = probe.forget_flow(&key) {
                tracing::warn!(%error, "cannot make room for other flows");
            }
        }
        let overflows = probe.flow_overflows();
        flows.overflows.add(overflows.saturating_sub(flows.overflows_told));
        flows.overflows_told = overflows;
        let resource_metrics = flows.series.metrics(host, now_unix_ns);
        if !resource_metrics.is_empty() {
            flows.outlet.offer(Batch::new(MetricsRequest { resource_metrics }, Arc::new(Origin::default())));
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// When flows are to be read; never without them.
async fn next(flows: &mut Option<Flows>) {
    match flows {
        Some(flows) => drop(flows.ticks.tick().await),
        None => std::future::pending().await,
    }
}

fn of_resource(host: &Host, owner: Option<Container>, spans: Vec<Span>) -> ResourceSpans {
    let resource = owner.map_or_else(|| host.resource(), |container| host.container(&container));
    let scoped = ScopeSpans { scope: Some(scope("ebpf_spans")), spans, ..ScopeSpans::default() };
    ResourceSpans { resource: Some(resource), scope_spans: vec![scoped], ..ResourceSpans::default() }
}
