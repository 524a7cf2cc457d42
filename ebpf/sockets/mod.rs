//! Exchanges over TCP: a request one way and its response back, seen at both ends; and what connections moved in all.
//!
//! Hooks: `sock:sock_send_length` and `sock:sock_recv_length` (before 6.3 the returns of TCP's own functions), in the
//! process that writes and reads, and `sock:inet_sock_set_state`; for receive queues `tcp:tcp_probe`. What is known of a
//! connection lies in its socket's storage. HTTP/1.x is told by its first bytes, read from the caller's own buffer: no
//! hook on system calls or packets. An exchange is told of when the next one begins, when the connection ends, and when
//! [`Sockets::visit`] finds its response silent. Flows are folded from what TCP counts anyway.

use crate::events::{EventProbe, Events};
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, Object, OpenError};
use crate::probe::Probe;
use crate::stamps::Stamps;

#[cfg(test)]
mod flow_tests;
mod flows;
mod record;
mod settings;
#[cfg(test)]
mod stage_tests;
#[cfg(test)]
mod tests;

pub use flows::{Flow, FlowKey};
pub use record::{Excerpt, Exchange, Head, Kind, Role};
pub use settings::Settings;

use flows::Flows;
use settings::SettingMaps;

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
const SEGMENTS: [Rung; 1] = [Rung { program: "sockets_segment", hook: Hook::TpBtf("tcp_probe") }];
const SILENT: [Rung; 1] = [Rung { program: "sockets_silent", hook: Hook::IterStorage("sockets_connection") }];
const FOLD: [Rung; 1] = [Rung { program: "sockets_fold", hook: Hook::IterStorage("sockets_connection") }];

/// The open probe.
pub struct Sockets {
    events: Events<Exchange>,
    maps: SettingMaps,
    flows: Flows,
}

impl Sockets {
    /// Loads and attaches it; needs a tokio runtime.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, settings: &Settings) -> Result<Self, OpenError> {
        // One more for each side: what finds no room.
        let sizes = [("sockets_flows", settings.flows.saturating_add(2))];
        let object = kernel.load_sized("sockets", crate::object_bytes!("sockets"), &sizes)?;
        let mut events = Events::of(object, "sockets", settings.rate)?;
        let maps = SettingMaps::fill(&mut events, settings)?;
        let flows = Flows::take(&mut events)?;
        let mut probe = Self { events, maps, flows };
        let object = probe.object_mut();
        // Whoever connects from now on is seen; then who was there before. Data comes last.
        object.must_climb(kernel, "connections", &STATES)?;
        object.climb(kernel, "listeners of before", &LISTENERS);
        object.climb(kernel, "connections of before", &CONNECTIONS);
        if settings.exchanges() {
            attach_exchanges(object, kernel, settings)?;
        }
        if settings.flows > 0 {
            object.climb(kernel, "flows", &FOLD);
        }
        Ok(probe)
    }

    /// Looks for responses that have been silent for a while; to be called every now and then.
    ///
    /// # Errors
    /// When the kernel cannot visit the sockets.
    pub fn visit(&self) -> std::io::Result<()> {
        self.object().visit_sockets(SILENT[0].program)
    }

    /// What went over connections since the probe was opened, by flow.
    ///
    /// # Errors
    /// When the kernel cannot visit the sockets or does not give the map's values.
    pub fn flows(&self) -> Result<Vec<(FlowKey, Flow)>, OpenError> {
        self.object().visit_sockets(FOLD[0].program)?;
        self.flows.read()
    }

    /// How often what a connection moved found no room in the table of flows, and counts for that of all others.
    pub fn flow_overflows(&self) -> u64 {
        self.flows.overflows()
    }

    /// Makes room for other flows; this one begins at 0 when something moves again.
    ///
    /// # Errors
    /// When the kernel does not take the entry out of the map.
    pub fn forget_flow(&mut self, key: &FlowKey) -> Result<(), OpenError> {
        self.flows.forget(key)
    }

    /// Keeps times since packet stamps right when a time service starts or a second leaps; to be called every second.
    ///
    /// # Errors
    /// When the map cannot be written.
    pub fn follow_clock(&mut self) -> Result<(), OpenError> {
        self.maps.follow_clock()
    }

    /// Hands every exchange that is there to `take`, with the first bytes of those that are HTTP.
    pub fn drain_exchanges(&mut self, mut take: impl FnMut(&Exchange, Excerpt<'_>)) {
        self.events.drain(|exchange, rest| take(exchange, Excerpt::read(rest)));
    }
}

fn attach_exchanges(object: &mut Object, kernel: &Kernel, settings: &Settings) -> Result<(), OpenError> {
    if settings.queues {
        object.climb(kernel, "receive queues", &SEGMENTS);
    }
    if settings.stamps {
        let stamps = Stamps::ask().map_err(|e| OpenError::NoHook(format!("cannot ask for stamps: {e}")))?;
        object.hold(stamps);
    }
    if object.must_climb(kernel, "what is sent", &SENT)? == SENT[1].program {
        object.climb(kernel, "what is sent from files", &FILES);
    }
    object.must_climb(kernel, "what is received", &RECEIVED)?;
    object.climb(kernel, "silent responses", &SILENT);
    Ok(())
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
