//! Reading all scrapers at an interval: one batch a round, with one Resource for the host and one per container.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ebpf::Clock;
use identity::{Container, ContainerCgroups, Inventory};
use pipeline::proto::MetricsRequest;
use pipeline::proto::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use pipeline::{Batch, Origin, Outlet, Stop};

use super::Scraper;
use super::points::ended;
use crate::probe_telemetry::ProbeTelemetry;
use crate::resource::{Host, scope};

/// What every scraper may look at in one round.
pub(super) struct Round<'a> {
    pub now_unix_ns: u64,
    /// The containers that there are; empty when no scraper asks.
    pub containers: &'a [ContainerCgroups],
    /// Where their accounts are.
    pub inventory: Option<&'a Inventory>,
}

/// What was read in one round.
#[derive(Default)]
pub(super) struct Readings {
    host: Vec<Metric>,
    containers: HashMap<Container, Vec<Metric>>,
}

impl Readings {
    /// Adds a metric of the host.
    pub fn host(&mut self, metric: Metric) {
        self.host.push(metric);
    }

    /// Adds metrics of a container.
    pub fn container(&mut self, container: &Container, metrics: impl IntoIterator<Item = Metric>) {
        self.containers.entry(container.clone()).or_default().extend(metrics);
    }
}

/// The scrapers of one receiver.
pub(super) struct Reading {
    scrapers: Vec<(Box<dyn Scraper>, Option<ProbeTelemetry>)>,
    clock: Clock,
    host: Host,
    /// `None` when no scraper asks for containers, and on a host without cgroups.
    inventory: Option<Inventory>,
    last: HashMap<Container, Vec<Metric>>,
    outlet: Outlet,
}

impl Reading {
    pub fn new(scrapers: Vec<(Box<dyn Scraper>, Option<ProbeTelemetry>)>, clock: Clock, outlet: Outlet) -> Self {
        let asked = scrapers.iter().any(|(scraper, _)| scraper.wants_containers());
        let inventory = asked.then(Inventory::of_host).flatten();
        Self { scrapers, clock, host: Host::read(), inventory, last: HashMap::new(), outlet }
    }

    pub async fn run(mut self, initial_delay: Duration, interval: Duration, mut stop: Stop) {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + initial_delay, interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.collect(),
                () = stop.requested() => break,
            }
        }
        // The last values are worth having too.
        self.collect();
    }

    fn collect(&mut self) {
        let containers = self.inventory.as_ref().map(Inventory::containers).unwrap_or_default();
        let now_unix_ns = self.clock.now_unix_ns();
        let round = Round { now_unix_ns, containers: &containers, inventory: self.inventory.as_ref() };
        let mut readings = Readings::default();
        for (scraper, telemetry) in &mut self.scrapers {
            if let (Some(telemetry), Some(probe)) = (telemetry, scraper.probe()) {
                telemetry.update(probe.counters());
            }
            if let Err(error) = scraper.collect(&round, &mut readings) {
                tracing::error!(scraper = scraper.name(), %error, "cannot read");
            }
        }
        let alive: HashSet<&Container> = containers.iter().map(|cgroups| &cgroups.container).collect();
        let gone = self.last.extract_if(|container, _| !alive.contains(container));
        let mut resources: Vec<_> = gone
            .map(|(container, metrics)| self.host.container(&container).with(ended(metrics, now_unix_ns)))
            .collect();
        resources.extend(readings.containers.iter().map(|(c, metrics)| self.host.container(c).with(metrics.clone())));
        if !readings.host.is_empty() {
            resources.push(self.host.resource().with(readings.host));
        }
        self.last.extend(readings.containers);
        if !resources.is_empty() {
            self.outlet.offer(Batch::new(MetricsRequest { resource_metrics: resources }, Arc::new(Origin::default())));
        }
    }
}

/// A Resource and what is said of it.
trait With {
    fn with(self, metrics: Vec<Metric>) -> ResourceMetrics;
}

impl With for pipeline::proto::resource::v1::Resource {
    fn with(self, metrics: Vec<Metric>) -> ResourceMetrics {
        let scoped = ScopeMetrics { scope: Some(scope("ebpf_metrics")), metrics, ..ScopeMetrics::default() };
        ResourceMetrics { resource: Some(self), scope_metrics: vec![scoped], ..ResourceMetrics::default() }
    }
}
