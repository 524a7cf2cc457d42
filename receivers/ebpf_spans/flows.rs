//! Flows as metrics: one series for each container, side, peer and server port.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use ebpf::sockets::{Flow, FlowKey, Role};
use identity::Container;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::number_data_point::Value;
use pipeline::proto::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};

use crate::conventions::*;
use crate::ebpf_metrics::points::{Times, ended, histogram, join, sum};
use crate::resource::{Host, scope};

/// Several cgroups may be one container, or none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SeriesKey {
    owner: Option<Container>,
    is_client: bool,
    /// `None` for all that found no room in the kernel's table.
    end: Option<(IpAddr, u16, u32)>,
}

impl SeriesKey {
    fn of(key: &FlowKey, owner: Option<Container>) -> Self {
        let end = key.peer().map(|peer| (peer, key.server_port, key.netns));
        Self { owner, is_client: key.role() == Role::Client, end }
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes =
            vec![text(NETWORK_TRANSPORT, "tcp"), text(FLOW_ROLE, if self.is_client { "client" } else { "server" })];
        match self.end {
            Some((peer, port, netns)) => attributes.extend([
                text(NETWORK_TYPE, if peer.is_ipv4() { "ipv4" } else { "ipv6" }),
                text(NETWORK_PEER_ADDRESS, peer.to_string()),
                int(SERVER_PORT, port),
                int(NETNS, netns),
            ]),
            None => attributes.push(flag(METRIC_OVERFLOW, true)),
        }
        attributes
    }
}

/// One entry of the kernel's table, as it was last read.
struct Entry {
    flow: Flow,
    changed_unix_ns: u64,
    series: SeriesKey,
}

struct Series {
    total: Flow,
    start_unix_ns: u64,
    changed_unix_ns: u64,
}

/// All flows of one receiver: sums that go on when the kernel's entries come and go.
pub(super) struct FlowSeries {
    idle_ns: u64,
    entries: HashMap<FlowKey, Entry>,
    series: HashMap<SeriesKey, Series>,
    /// Everything that is new has begun after this.
    last_unix_ns: u64,
}

impl FlowSeries {
    pub fn new(idle: Duration, now_unix_ns: u64) -> Self {
        let idle_ns = u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX);
        Self { idle_ns, entries: HashMap::new(), series: HashMap::new(), last_unix_ns: now_unix_ns }
    }

    /// Takes in what the kernel has now, and returns what it may forget. `find` tells whose a flow is.
    pub fn update(
        &mut self,
        read: &[(FlowKey, Flow)],
        now_unix_ns: u64,
        mut find: impl FnMut(&FlowKey) -> Option<Container>,
    ) -> Vec<FlowKey> {
        for (key, flow) in read.iter().filter(|(_, flow)| *flow != Flow::default()) {
            let entry = self.entries.entry(*key).or_insert_with(|| Entry {
                flow: Flow::default(),
                changed_unix_ns: 0,
                series: SeriesKey::of(key, find(key)),
            });
            if entry.flow == *flow {
                continue;
            }
            let new = || Series { total: Flow::default(), start_unix_ns: self.last_unix_ns, changed_unix_ns: 0 };
            let series = self.series.entry(entry.series.clone()).or_insert_with(new);
            series.total.add_since(flow, &entry.flow);
            series.changed_unix_ns = now_unix_ns;
            entry.flow = flow.clone();
            entry.changed_unix_ns = now_unix_ns;
        }
        self.last_unix_ns = now_unix_ns;
        self.forget_idle(now_unix_ns)
    }

    fn forget_idle(&mut self, now_unix_ns: u64) -> Vec<FlowKey> {
        let idle_ns = self.idle_ns;
        let is_idle = |key: &FlowKey, entry: &mut Entry| {
            !key.is_overflow() && now_unix_ns.saturating_sub(entry.changed_unix_ns) >= idle_ns
        };
        self.entries.extract_if(is_idle).map(|(key, _)| key).collect()
    }

    /// All series as of now, by whose they are. Those over which nothing went for long end here.
    pub fn metrics(&mut self, host: &Host, now_unix_ns: u64) -> Vec<ResourceMetrics> {
        let mut by_owner: HashMap<Option<Container>, Vec<Metric>> = HashMap::new();
        for (key, series) in &self.series {
            let mut metrics = series.metrics(key, now_unix_ns);
            if series.is_over(key, self.idle_ns, now_unix_ns) {
                metrics = ended(metrics, now_unix_ns);
            }
            join(by_owner.entry(key.owner.clone()).or_default(), metrics);
        }
        let idle_ns = self.idle_ns;
        self.series.retain(|key, series| !series.is_over(key, idle_ns, now_unix_ns));
        by_owner.into_iter().map(|(owner, metrics)| of_resource(host, owner, metrics)).collect()
    }
}

impl Series {
    fn is_over(&self, key: &SeriesKey, idle_ns: u64, now_unix_ns: u64) -> bool {
        key.end.is_some() && now_unix_ns.saturating_sub(self.changed_unix_ns) >= idle_ns
    }

    fn metrics(&self, key: &SeriesKey, now_unix_ns: u64) -> Vec<Metric> {
        let times = Times { start_unix_ns: self.start_unix_ns, now_unix_ns };
        let attributes = key.attributes();
        let direction = |direction, bytes| {
            let with = [text(IO_DIRECTION, direction)];
            (attributes.iter().cloned().chain(with).collect(), number(bytes))
        };
        let Flow { sent_bytes, received_bytes, retransmits, connections, srtt } = &self.total;
        let one = |value: u64| vec![(attributes.clone(), number(value))];
        vec![
            sum(&FLOW_IO, true, vec![direction("transmit", *sent_bytes), direction("receive", *received_bytes)], times),
            sum(&FLOW_RETRANSMITS, true, one(*retransmits), times),
            sum(&FLOW_CONNECTIONS, true, one(*connections), times),
            histogram(&FLOW_SRTT, vec![(attributes.clone(), srtt.clone())], times),
        ]
    }
}

fn number(value: u64) -> Value {
    Value::AsInt(i64::try_from(value).unwrap_or(i64::MAX))
}

fn of_resource(host: &Host, owner: Option<Container>, metrics: Vec<Metric>) -> ResourceMetrics {
    let resource = owner.map_or_else(|| host.resource(), |container| host.container(&container));
    let scoped = ScopeMetrics { scope: Some(scope("ebpf_spans")), metrics, ..ScopeMetrics::default() };
    ResourceMetrics { resource: Some(resource), scope_metrics: vec![scoped], ..ResourceMetrics::default() }
}
