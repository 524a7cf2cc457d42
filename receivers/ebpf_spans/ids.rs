//! Ids that both ends of a request reach without talking: from the client's end and the TCP sequence number of the
//! request's first byte, which are the same on both sides of a connection, also behind a translated destination.

use std::net::IpAddr;

use ebpf::sockets::{Exchange, Role};
use sha2::{Digest, Sha256};

/// W3C `traceparent`: what the sender of a request says of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// Its trace.
    pub trace_id: [u8; 16],
    /// Its span.
    pub span_id: [u8; 8],
    /// Its flags: 1 is "sampled".
    pub flags: u8,
}

impl TraceParent {
    /// Reads the header's value; `None` when it is not valid (W3C Trace Context, 3.2.2).
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = value.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let version = u8::from_be_bytes(hex(version)?);
        // Later versions may append fields; this one must not.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        let parent = Self { trace_id: hex(trace)?, span_id: hex(span)?, flags: u8::from_be_bytes(hex(flags)?) };
        (parent.trace_id != [0; 16] && parent.span_id != [0; 8]).then_some(parent)
    }
}

/// Lower-case hexadecimal digits, exactly as many as it takes.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Stands in place of a request's number for the connection itself, whose first byte is that of its first request.
pub const HANDSHAKE: u32 = u32::MAX;

/// The ids of one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Of the trace.
    pub trace: [u8; 16],
    /// Of the span.
    pub span: [u8; 8],
    /// Of its parent, if that is known to exist.
    pub parent: Option<[u8; 8]>,
}

impl Ids {
    /// For the `nth` request of an exchange. `host` tells loopback addresses of different machines apart.
    pub fn of(exchange: &Exchange, nth: u32, traceparent: Option<TraceParent>, host: &str) -> Self {
        let seed = Seed { exchange, nth, host };
        let (trace, client, server) = seed.ids();
        let is_server = exchange.role() == Some(Role::Server);
        let span = if is_server { server } else { client };
        match traceparent {
            // What the sender made of its own request is the parent of both sides: neither may take its id.
            Some(sender) => Self { trace: sender.trace_id, span, parent: Some(sender.span_id) },
            None => Self { trace, span, parent: (is_server && exchange.peer_is_here()).then_some(client) },
        }
    }
}

struct Seed<'a> {
    exchange: &'a Exchange,
    nth: u32,
    host: &'a str,
}

impl Seed<'_> {
    /// Trace, client's span, server's span.
    fn ids(&self) -> ([u8; 16], [u8; 8], [u8; 8]) {
        let mut hash = Sha256::new();
        if let Some(client) = self.exchange.client() {
            match client.ip() {
                IpAddr::V4(address) => hash.update(address.octets()),
                IpAddr::V6(address) => hash.update(address.octets()),
            }
            hash.update(client.port().to_be_bytes());
            // Every machine and every network namespace has these addresses; both ends are in the same one.
            if client.ip().is_loopback() {
                hash.update(self.host);
                hash.update(self.exchange.netns.to_be_bytes());
            }
        }
        hash.update(self.exchange.request_seq.to_be_bytes());
        hash.update(self.nth.to_be_bytes());
        let mut bytes = hash.finalize().into_iter();
        let (mut trace, mut client, mut server) = ([0; 16], [0; 8], [0; 8]);
        for byte in trace.iter_mut().chain(&mut client).chain(&mut server) {
            *byte = bytes.next().unwrap_or(1);
        }
        (trace, client, server)
    }
}
