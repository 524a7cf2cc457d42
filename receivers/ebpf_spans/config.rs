//! What is watched, as it is written.

use std::time::Duration;

use config::{Decoder, Rules, Section};
use ebpf::Rate;
use ebpf::sockets::Settings;
use pipeline::StartError;

use super::ports::PortRange;

config::settings! {
    /// Spans and flows by eBPF.
    pub struct Config {
        /// What becomes spans; a protocol is on when it is named.
        pub protocols: Protocols = Protocols::default(),
        /// Connections that come about, or do not, as spans; on when named.
        pub connections: Section<Empty> = Section::on_when_named(),
        /// What spans say of the way of what came in.
        pub receive_stages: ReceiveStages = ReceiveStages::default(),
        /// Shorter ones are left out, in the kernel.
        pub min_duration: Duration = Duration::ZERO,
        /// Spans a second for each protocol and side; 0 takes the limit off. Held in the kernel.
        pub rate: u32 = Settings::default().rate.per_second,
        /// Spans at once, for each protocol and side.
        pub burst: u32 = Settings::default().rate.burst,
        /// Ports of servers, single ones and ranges (`8000-8999`); empty for all.
        pub ports: Vec<PortRange> = Vec::new(),
        /// Names of processes (`/proc/PID/comm`, 15 bytes); empty for all.
        pub processes: Vec<String> = Vec::new(),
        /// Names of processes that are left out.
        pub excluded_processes: Vec<String> = Vec::new(),
        /// What goes over connections, as metrics; on when named.
        pub flows: Section<Flows> = Section::on_when_named(),
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

config::settings! {
    /// What came in, on its way to the process that reads it.
    pub struct ReceiveStages {
        /// Time in the receive queue; costs a hook for every TCP segment.
        pub queue: bool = true,
        /// Time from the receive stamp to the queue; makes the kernel stamp every packet. Needs `queue`.
        pub stack: bool = false,
    }
}

config::settings! {
    /// Flows: all connections of a container with one peer and server port.
    pub struct Flows {
        /// Time between two readings.
        pub collection_interval: Duration = Duration::from_secs(60),
        /// Room in the kernel; what finds none counts for one flow of all others.
        pub max_flows: u32 = 4096,
        /// A flow over which nothing went for so long ends and makes room.
        pub idle_timeout: Duration = Duration::from_secs(600),
    }
}

config::settings! {
    /// On or off, without settings of its own.
    pub struct Empty {}
}

impl Rules for Protocols {}

impl Rules for Empty {}

impl Rules for ReceiveStages {
    fn rules(&self, decoder: &mut Decoder) {
        if self.stack && !self.queue {
            decoder.at("stack", |d| d.error("needs queue: true, whose hook also ends this stage"));
        }
    }
}

/// Half a kilobyte each: more would take more memory than a node's agent should have.
const MOST_FLOWS: u32 = 65_536;

impl Rules for Flows {
    fn rules(&self, decoder: &mut Decoder) {
        if self.collection_interval.is_zero() {
            decoder.at("collection_interval", |d| d.error("must be greater than zero"));
        }
        if !(1..=MOST_FLOWS).contains(&self.max_flows) {
            decoder.at("max_flows", |d| d.error(format!("must be from 1 to {MOST_FLOWS}")));
        }
        if self.idle_timeout < self.collection_interval {
            decoder.at("idle_timeout", |d| d.error("must not be shorter than collection_interval"));
        }
    }
}

/// Bytes of a process's name as the kernel has it.
const NAME_BYTES: usize = 15;

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if !self.has_spans() && self.flows.get().is_none() {
            decoder.error("must name at least one of protocols::http, protocols::tcp, connections, flows");
        }
        if self.burst == 0 {
            decoder.at("burst", |d| d.error("must be at least 1"));
        }
        check_names(decoder, "processes", &self.processes);
        check_names(decoder, "excluded_processes", &self.excluded_processes);
    }
}

fn check_names(decoder: &mut Decoder, key: &str, names: &[String]) {
    if names.len() > 100 {
        decoder.at(key, |d| d.error("may have at most 100 names"));
    }
    for name in names.iter().filter(|name| name.is_empty() || name.len() > NAME_BYTES) {
        decoder.at(key, |d| d.error(format!("{name:?} is no name: the kernel knows the first {NAME_BYTES} bytes")));
    }
}

impl Config {
    fn has_spans(&self) -> bool {
        let Protocols { http, tcp } = &self.protocols;
        http.get().is_some() || tcp.get().is_some() || self.connections.get().is_some()
    }

    /// Whether it has something for each pipeline that it is in.
    pub(super) fn gives(&self, traces: bool, metrics: bool) -> Result<(), StartError> {
        if traces && !self.has_spans() {
            return Err(StartError(
                "is in a traces pipeline: name protocols::http, protocols::tcp or connections".into(),
            ));
        }
        if metrics && self.flows.get().is_none() {
            return Err(StartError("is in a metrics pipeline: name flows".into()));
        }
        Ok(())
    }

    /// What the probe is to look at; only what a pipeline takes costs anything.
    pub(super) fn settings(&self, traces: bool, metrics: bool) -> Settings {
        let flows = self.flows.get().filter(|_| metrics);
        Settings {
            rate: Rate { per_second: self.rate, burst: self.burst },
            http: traces && self.protocols.http.get().is_some(),
            tcp: traces && self.protocols.tcp.get().is_some(),
            handshakes: traces && self.connections.get().is_some(),
            flows: flows.map_or(0, |flows| flows.max_flows),
            queues: self.receive_stages.queue,
            stamps: self.receive_stages.stack,
            least: self.min_duration,
            ports: self.ports.iter().flat_map(PortRange::ports).collect(),
            processes: self.processes.clone(),
            other_processes: self.excluded_processes.clone(),
            ..Settings::default()
        }
    }
}
