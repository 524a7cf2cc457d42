//! Exchanges over TCP: a request one way and its response back, seen at both ends.
//!
//! Hooks: `sock:sock_send_length` and `sock:sock_recv_length` (before 6.3 the returns of TCP's own functions), in the
//! process that writes and reads, and `sock:inet_sock_set_state`. What is known of a connection lies in its socket's storage. HTTP/1.x is told by its first
//! bytes, read from the caller's own buffer: no hook on system calls or packets. An exchange is told of when the next one
//! begins, when the connection ends, and when [`Sockets::visit`] finds its response silent.

use std::time::Duration;

use aya::maps::{Array, MapData};

use crate::counters::Rate;
use crate::events::{EventProbe, Events};
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, OpenError};
use crate::probe::Probe;

mod record;
#[cfg(test)]
mod tests;

pub use record::{Excerpt, Exchange, Head, Kind, Role};

const LISTENERS: [Rung; 1] = [Rung { program: "sockets_existing_ends", hook: Hook::IterTaskFile }];
const CONNECTIONS: [Rung; 1] = [Rung { program: "sockets_existing", hook: Hook::IterTaskFile }];
const STATES: [Rung; 1] = [Rung { program: "sockets_state", hook: Hook::TpBtf("inet_sock_set_state") }];
const SENT: [Rung; 2] = [
    Rung { program: "sockets_send", hook: Hook::TpBtf("sock_send_length") },
    Rung { program: "sockets_send_return", hook: Hook::FExit("tcp_sendmsg") },
];
/// Only beside the second rung of what is sent: the tracepoint tells of files too.
const FILES: [Rung; 1] = [Rung { program: "sockets_file_return", hook: Hook::FExit("tcp_sendpage") }];
const RECEIVED: [Rung; 2] = [
    Rung { program: "sockets_receive", hook: Hook::TpBtf("sock_recv_length") },
    Rung { program: "sockets_receive_return", hook: Hook::FExit("tcp_recvmsg") },
];
const SILENT: [Rung; 1] = [Rung { program: "sockets_silent", hook: Hook::IterStorage("sockets_connection") }];

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many exchanges a second become records, for each kind and role.
    pub rate: Rate,
    /// HTTP/1.x.
    pub http: bool,
    /// Everything else that goes over TCP.
    pub tcp: bool,
    /// Shorter exchanges are filtered.
    pub least: Duration,
    /// A response that is silent for so long is told of.
    pub pause: Duration,
    /// Also what this process itself sends and receives; its own exports would then make exchanges without end.
    pub own: bool,
    /// Ports of servers; empty for all.
    pub ports: Vec<u16>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate: Rate { per_second: 1000, burst: 2000 },
            http: true,
            tcp: false,
            least: Duration::ZERO,
            pause: Duration::from_millis(500),
            own: false,
            ports: Vec::new(),
        }
    }
}

/// `struct settings` of probe.bpf.c.
#[repr(C)]
#[derive(Clone, Copy)]
struct KernelSettings {
    least_ns: u64,
    pause_ns: u64,
    own_pid: u32,
    http: u8,
    tcp: u8,
    handshakes: u8,
    all_ports: u8,
}

// SAFETY: numbers without padding; every bit pattern is valid.
unsafe impl aya::Pod for KernelSettings {}

impl KernelSettings {
    fn of(settings: &Settings) -> Self {
        let ns = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self {
            least_ns: ns(settings.least),
            pause_ns: ns(settings.pause),
            // The first round over open files, which runs in this process, puts the id there that the kernel knows.
            own_pid: if settings.own { 0 } else { std::process::id() },
            http: settings.http.into(),
            tcp: settings.tcp.into(),
            handshakes: 0,
            all_ports: settings.ports.is_empty().into(),
        }
    }
}

/// The open probe.
pub struct Sockets {
    events: Events<Exchange>,
    _settings: Array<MapData, KernelSettings>,
    _ports: Array<MapData, u64>,
}

impl Sockets {
    /// Loads and attaches it; needs a tokio runtime.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, settings: &Settings) -> Result<Self, OpenError> {
        let mut events = Events::load(kernel, "sockets", crate::object_bytes!("sockets"), settings.rate)?;
        let kernel_settings = events.array("sockets_settings", KernelSettings::of(settings))?;
        let ports = port_bits(&mut events, &settings.ports)?;
        let mut probe = Self { events, _settings: kernel_settings, _ports: ports };
        let object = probe.object_mut();
        // Whoever connects from now on is seen; then who was there before. Data comes last.
        object.must_climb(kernel, "connections", &STATES)?;
        object.climb(kernel, "listeners of before", &LISTENERS);
        object.climb(kernel, "connections of before", &CONNECTIONS);
        if object.must_climb(kernel, "what is sent", &SENT)? == SENT[1].program {
            object.climb(kernel, "what is sent from files", &FILES);
        }
        object.must_climb(kernel, "what is received", &RECEIVED)?;
        object.climb(kernel, "silent responses", &SILENT);
        Ok(probe)
    }

    /// Looks for responses that have been silent for a while; to be called every now and then.
    ///
    /// # Errors
    /// When the kernel cannot visit the sockets.
    pub fn visit(&self) -> std::io::Result<()> {
        self.object().visit_sockets()
    }

    /// Hands every exchange that is there to `take`, with the first bytes of those that are HTTP.
    pub fn drain_exchanges(&mut self, mut take: impl FnMut(&Exchange, Excerpt<'_>)) {
        self.events.drain(|exchange, rest| take(exchange, Excerpt::read(rest)));
    }
}

/// One bit for each port.
fn port_bits(events: &mut Events<Exchange>, ports: &[u16]) -> Result<Array<MapData, u64>, OpenError> {
    let mut words = [0_u64; 1024];
    for port in ports {
        words[usize::from(port / 64)] |= 1 << (port % 64);
    }
    let mut array = events.array("sockets_ports", words[0])?;
    for (at, word) in (0..).zip(words).skip(1).filter(|(_, word)| *word != 0) {
        array.set(at, word, 0).map_err(OpenError::of_map("sockets_ports"))?;
    }
    Ok(array)
}

impl EventProbe for Sockets {
    type Record = Exchange;

    fn events(&self) -> &Events<Exchange> {
        &self.events
    }

    fn events_mut(&mut self) -> &mut Events<Exchange> {
        &mut self.events
    }
}
