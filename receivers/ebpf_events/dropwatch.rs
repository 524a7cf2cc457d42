//! `linux.net.packet.drop`: one record per packet that the kernel dropped.

use config::{Decoder, Rules};
use ebpf::dropwatch::{Drop as Dropped, Dropwatch, Reasons, Settings};
use ebpf::{Cgroups, Clock, Kernel, OpenError, Owner, Rate};
use pipeline::proto::common::v1::{AnyValue, KeyValue, any_value::Value};
use pipeline::proto::logs::v1::{LogRecord, SeverityNumber};

use super::parts::{end, owner, transport};
use crate::containers::Containers;
use crate::conventions::*;

config::settings! {
    /// Packets that the kernel dropped.
    pub struct Config {
        /// Records a second for each reason, so that a storm of one does not hide the others; 0 takes the limit off.
        /// Held in the kernel, where a storm costs little.
        pub rate: u32 = Settings::default().rate.per_second,
        /// Records at once, for each reason.
        pub burst: u32 = Settings::default().rate.burst,
        /// Reasons, without the prefix SKB_DROP_REASON_, that are no losses.
        pub ignored_reasons: Vec<String> = Settings::default().ignored_reasons,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.burst == 0 {
            decoder.at("burst", |d| d.error("must be at least 1"));
        }
    }
}

impl Config {
    fn settings(&self) -> Settings {
        let rate = Rate { per_second: self.rate, burst: self.burst };
        Settings { rate, ignored_reasons: self.ignored_reasons.clone() }
    }

    /// Kernels differ in their reasons, so an unknown one is no error; a slip should still be seen.
    fn warn_of_unknown_reasons(&self, reasons: &Reasons) {
        let defaults = Settings::default().ignored_reasons;
        for name in self.ignored_reasons.iter().filter(|name| !reasons.is_known(name) && !defaults.contains(name)) {
            tracing::warn!(reason = %name, "ignored_reasons: this kernel has no such drop reason");
        }
    }
}

/// The probe and how its drops are said.
pub struct Source(Dropwatch);

impl super::Source for Source {
    const NAME: &'static str = "dropwatch";
    type Config = Config;
    type Probe = Dropwatch;
    type Event = Dropped;

    fn open(kernel: &mut Kernel, config: &Config) -> Result<Self, OpenError> {
        let probe = Dropwatch::open(kernel, config.settings())?;
        config.warn_of_unknown_reasons(probe.reasons());
        Ok(Self(probe))
    }

    fn probe(&mut self) -> &mut Dropwatch {
        &mut self.0
    }

    fn cgroups(drop: &Dropped) -> Option<Cgroups> {
        drop.owner().cgroups()
    }

    /// The freeing function first, then the stack.
    fn addresses(drop: &Dropped) -> Vec<u64> {
        std::iter::once(drop.location).chain(drop.stack().iter().copied()).collect()
    }

    fn record(&self, drop: &Dropped, names: &[String], clock: &mut Clock, _: &Containers) -> LogRecord {
        record(drop, self.0.reasons(), names, clock)
    }
}

/// The record of one drop; `names` are those of its location and then of its stack.
fn record(drop: &Dropped, reasons: &Reasons, names: &[String], clock: &mut Clock) -> LogRecord {
    let reason = reasons.name(drop.reason);
    let (location, stack) = names.split_first().map_or((String::new(), names), |(first, rest)| (first.clone(), rest));
    let body = sentence(drop, &reason, &location);
    let mut attributes = vec![
        text(DROP_REASON, reason),
        text(DROP_LOCATION, location),
        int(PACKET_SIZE, drop.packet_bytes),
        int(CPU, drop.header.cpu),
    ];
    attributes.extend(packet(drop));
    attributes.extend(owner(&drop.owner()));
    if !stack.is_empty() {
        attributes.push(text(STACK_TRACE, stack.join("\n")));
    }
    LogRecord {
        time_unix_nano: clock.unix_ns(drop.header.mono_ns),
        observed_time_unix_nano: clock.now_unix_ns(),
        severity_number: SeverityNumber::Warn.into(),
        severity_text: "WARN".into(),
        body: Some(AnyValue { value: Some(Value::StringValue(body)) }),
        attributes,
        event_name: PACKET_DROP.into(),
        ..LogRecord::default()
    }
}

/// What the headers say; what could not be read is left out.
fn packet(drop: &Dropped) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(10);
    if drop.ether_type != 0 {
        attributes.push(text(ETHER_TYPE, format!("{:#06x}", drop.ether_type)));
    }
    if let (Some(source), Some(destination)) = (drop.source(), drop.destination()) {
        attributes.push(text(NETWORK_TYPE, if drop.ip_version == 4 { "ipv4" } else { "ipv6" }));
        attributes.push(text(NETWORK_TRANSPORT, transport(drop.protocol)));
        attributes.push(text(SOURCE_ADDRESS, source.to_string()));
        attributes.push(text(DESTINATION_ADDRESS, destination.to_string()));
    }
    if drop.destination_port != 0 {
        attributes.push(int(SOURCE_PORT, drop.source_port));
        attributes.push(int(DESTINATION_PORT, drop.destination_port));
    }
    if drop.ifindex != 0 {
        attributes.push(text(INTERFACE, drop.device()));
    }
    if drop.netns != 0 {
        attributes.push(int(NETNS, drop.netns));
    }
    attributes
}

/// `NO_SOCKET udp 127.0.0.1:4000 -> 127.0.0.1:9 on lo, 33 bytes, at udp_rcv+0x5; owner unknown`
fn sentence(drop: &Dropped, reason: &str, location: &str) -> String {
    let mut line = reason.to_owned();
    if let (Some(source), Some(destination)) = (drop.source(), drop.destination()) {
        let (from, to) = (end(source, drop.source_port), end(destination, drop.destination_port));
        line += &format!(" {} {from} -> {to}", transport(drop.protocol));
    } else if drop.ether_type != 0 {
        line += &format!(" ethertype {:#06x}", drop.ether_type);
    }
    if drop.ifindex != 0 {
        line += &format!(" on {}", drop.device());
    }
    line += &format!(", {} bytes, at {location}", drop.packet_bytes);
    match drop.owner() {
        Owner::Socket(task) => line + &format!("; socket of {} ({})", task.comm, task.pid),
        Owner::Process(task) => line + &format!("; {} ({})", task.comm, task.pid),
        Owner::SocketCgroup(cgroups) => line + &format!("; socket of cgroup {}", cgroups.unified),
        Owner::NetworkNamespace => line + &format!("; network namespace {}", drop.netns),
        Owner::Nobody => line + "; owner unknown",
    }
}
