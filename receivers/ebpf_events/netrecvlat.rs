//! `linux.net.receive.delay`: one record per packet that was late on its way to the process that reads it.

use std::time::Duration;

use config::{Decoder, Rules};
use ebpf::netrecvlat::{Delay, NetRecvLat, Settings, Stage};
use ebpf::{Cgroups, Clock, Kernel, OpenError, Owner, Rate};
use pipeline::proto::common::v1::{AnyValue, KeyValue, any_value::Value};
use pipeline::proto::logs::v1::{LogRecord, SeverityNumber};

use super::parts::{end, owner, transport};
use crate::containers::Containers;
use crate::conventions::*;

config::settings! {
    /// Packets that were late on their way from the device to the process that reads them.
    pub struct Config {
        /// Late when the device hands it to the network stack; 0 leaves this stage off, like the others.
        pub device_threshold: Duration = Settings::default().thresholds[0],
        /// Late when its TCP connection takes it.
        pub tcp_threshold: Duration = Settings::default().thresholds[1],
        /// Late when it is copied to the process that reads.
        pub user_copy_threshold: Duration = Settings::default().thresholds[2],
        /// Records a second for each stage; 0 takes the limit off. Held in the kernel.
        pub rate: u32 = Settings::default().rate.per_second,
        /// Records at once, for each stage.
        pub burst: u32 = Settings::default().rate.burst,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.burst == 0 {
            decoder.at("burst", |d| d.error("must be at least 1"));
        }
        if self.thresholds().iter().all(Duration::is_zero) {
            decoder.error("at least one threshold must be above 0");
        }
    }
}

impl Config {
    fn thresholds(&self) -> [Duration; 3] {
        [self.device_threshold, self.tcp_threshold, self.user_copy_threshold]
    }
}

/// The probe.
pub struct Source(NetRecvLat);

impl super::Source for Source {
    const NAME: &'static str = "netrecvlat";
    type Config = Config;
    type Probe = NetRecvLat;
    type Event = Delay;

    fn open(kernel: &mut Kernel, config: &Config) -> Result<Self, OpenError> {
        let rate = Rate { per_second: config.rate, burst: config.burst };
        Ok(Self(NetRecvLat::open(kernel, Settings { rate, thresholds: config.thresholds() })?))
    }

    fn probe(&mut self) -> &mut NetRecvLat {
        &mut self.0
    }

    fn cgroups(delay: &Delay) -> Option<Cgroups> {
        delay.owner().cgroups()
    }

    fn addresses(_: &Delay) -> Vec<u64> {
        Vec::new()
    }

    fn record(&self, delay: &Delay, _: &[String], clock: &mut Clock, _: &Containers) -> LogRecord {
        let device = self.0.device(delay);
        LogRecord {
            time_unix_nano: clock.unix_ns(delay.header.mono_ns),
            observed_time_unix_nano: clock.now_unix_ns(),
            severity_number: SeverityNumber::Warn.into(),
            severity_text: "WARN".into(),
            body: Some(AnyValue { value: Some(Value::StringValue(sentence(delay, device.as_deref()))) }),
            attributes: attributes(delay, device),
            event_name: RECEIVE_DELAY.into(),
            ..LogRecord::default()
        }
    }

    fn every_second(&mut self) {
        if let Err(error) = self.0.follow_clock() {
            tracing::warn!(%error, "netrecvlat cannot follow the clock");
        }
    }
}

/// What is known; the rest is left out.
fn attributes(delay: &Delay, device: Option<String>) -> Vec<KeyValue> {
    let mut attributes = vec![
        text(RECEIVE_STAGE, delay.stage().map_or("", Stage::name)),
        double(RECEIVE_LATENCY, Duration::from_nanos(delay.latency_ns).as_secs_f64()),
        int(PACKET_SIZE, delay.packet_bytes),
        int(CPU, delay.header.cpu),
    ];
    if let (Some(source), Some(destination)) = (delay.source(), delay.destination()) {
        attributes.push(text(NETWORK_TYPE, if delay.ip_version == 4 { "ipv4" } else { "ipv6" }));
        attributes.push(text(NETWORK_TRANSPORT, transport(delay.protocol)));
        attributes.push(text(SOURCE_ADDRESS, source.to_string()));
        attributes.push(text(DESTINATION_ADDRESS, destination.to_string()));
    }
    if delay.destination_port != 0 {
        attributes.push(int(SOURCE_PORT, delay.source_port));
        attributes.push(int(DESTINATION_PORT, delay.destination_port));
    }
    if delay.netns != 0 {
        attributes.push(int(NETNS, delay.netns));
    }
    attributes.extend(delay.tcp_state().map(|state| text(TCP_STATE, state)));
    attributes.extend(device.map(|name| text(INTERFACE, name)));
    attributes.extend(owner(&delay.owner()));
    attributes
}

/// `user copy 150.2 ms after it was received: tcp 127.0.0.1:4000 -> 127.0.0.1:80 on lo, 5 bytes; read by perl (4711)`
fn sentence(delay: &Delay, device: Option<&str>) -> String {
    let milliseconds = Duration::from_nanos(delay.latency_ns).as_secs_f64() * 1000.0;
    let stage = delay.stage().map_or("", Stage::name);
    let mut line = format!("{stage} {milliseconds:.1} ms after it was received: ");
    match (delay.source(), delay.destination()) {
        (Some(source), Some(destination)) => {
            let (from, to) = (end(source, delay.source_port), end(destination, delay.destination_port));
            line += &format!("{} {from} -> {to}", transport(delay.protocol));
        }
        _ => line += "a packet that is not IP",
    }
    line += &device.map_or_else(String::new, |name| format!(" on {name}"));
    line += &format!(", {} bytes", delay.packet_bytes);
    match delay.owner() {
        Owner::Process(task) => line + &format!("; read by {} ({})", task.comm, task.pid),
        Owner::Socket(task) => line + &format!("; socket of {} ({})", task.comm, task.pid),
        Owner::SocketCgroup(cgroups) => line + &format!("; socket of cgroup {}", cgroups.unified),
        Owner::NetworkNamespace => line + &format!("; network namespace {}", delay.netns),
        Owner::Nobody => line + "; owner unknown",
    }
}
