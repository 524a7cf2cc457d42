//! One exchange: a request and its response.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::events::Record;
use crate::fields::address;
use crate::owner::{RawOwner, Task};
use crate::ring::Header;

/// Which end of the connection was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It connected, or it was seen to send a request.
    Client,
    /// It was accepted, or it was seen to receive a request.
    Server,
}

/// What was seen; `enum kind` of record.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes one way and bytes back.
    Tcp,
    /// The same, with the first bytes of both: an [`Excerpt`] follows.
    Http,
    /// A connection came about, or did not.
    Handshake,
}

/// One exchange; `struct exchange` of record.h. Times are CLOCK_MONOTONIC in nanoseconds, 0 when there was none.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
pub struct Exchange {
    /// When and where it was written.
    pub header: Header,
    /// The first byte of the request was written (client) or read (server).
    pub request_start_ns: u64,
    /// Its last byte.
    pub request_end_ns: u64,
    /// The first byte of the response was written (server) or read (client).
    pub response_start_ns: u64,
    /// Its last byte.
    pub response_end_ns: u64,
    /// Bytes of the request.
    pub request_bytes: u64,
    /// Bytes of the response.
    pub response_bytes: u64,
    /// Bytes of the response when an earlier record told of it.
    pub response_shown_bytes: u64,
    handshake_ns: u64,
    queue_ns: u64,
    stack_ns: u64,
    response_tail: u64,
    owner: RawOwner,
    /// TCP sequence number of the first byte, the same at both ends.
    pub request_seq: u32,
    /// Inode of the network namespace.
    pub netns: u32,
    srtt_us: u32,
    /// Segments that this end sent again.
    pub retransmits: u32,
    error: i32,
    flags: u32,
    local_port: u16,
    remote_port: u16,
    ip_version: u8,
    role: u8,
    reserved: u16,
    local: [u8; 16],
    remote: [u8; 16],
}

const _: () = assert!(size_of::<Exchange>() == 216, "record.h has the same assertion");

const PEER_IS_HERE: u32 = 1 << 0;
const FIRST_EXCHANGE: u32 = 1 << 1;
const MAY_GO_ON: u32 = 1 << 2;
const WAS_SHOWN: u32 = 1 << 3;
const UNANSWERED: u32 = 1 << 4;

impl Exchange {
    /// What was seen.
    pub fn kind(&self) -> Option<Kind> {
        [Kind::Tcp, Kind::Http, Kind::Handshake].get(usize::from(self.header.kind)).copied()
    }

    /// Which end this is.
    pub fn role(&self) -> Option<Role> {
        match self.role {
            1 => Some(Role::Client),
            2 => Some(Role::Server),
            _ => None,
        }
    }

    /// This end.
    pub fn local(&self) -> Option<SocketAddr> {
        self.end(self.local, self.local_port)
    }

    /// The other end.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.end(self.remote, self.remote_port)
    }

    fn end(&self, bytes: [u8; 16], port: u16) -> Option<SocketAddr> {
        let address: IpAddr = address(self.ip_version, bytes)?;
        Some(SocketAddr::new(address, port))
    }

    /// The end that connected.
    pub fn client(&self) -> Option<SocketAddr> {
        if self.role() == Some(Role::Client) { self.local() } else { self.remote() }
    }

    /// The process that moved the first byte of the request.
    pub fn task(&self) -> Task {
        self.owner.task()
    }

    /// Smoothed round-trip time of the connection, when one was measured.
    pub fn srtt(&self) -> Option<Duration> {
        (self.srtt_us != 0).then(|| Duration::from_micros(self.srtt_us.into()))
    }

    /// How long the connection took to come about, on its first exchange.
    pub fn handshake(&self) -> Option<Duration> {
        (self.flags & FIRST_EXCHANGE != 0 && self.handshake_ns != 0).then(|| Duration::from_nanos(self.handshake_ns))
    }

    /// How long the first byte that came in lay in the receive queue.
    pub fn queued(&self) -> Option<Duration> {
        (self.queue_ns != 0).then(|| Duration::from_nanos(self.queue_ns))
    }

    /// How long it took from its receive stamp to the queue.
    pub fn in_stack(&self) -> Option<Duration> {
        (self.stack_ns != 0).then(|| Duration::from_nanos(self.stack_ns))
    }

    /// How long a server had the request and had not begun to answer.
    pub fn application(&self) -> Option<Duration> {
        let answered =
            self.kind() != Some(Kind::Handshake) && self.role() == Some(Role::Server) && self.response_start_ns != 0;
        answered.then(|| Duration::from_nanos(self.response_start_ns.saturating_sub(self.request_end_ns)))
    }

    /// The last bytes of the response, as far as they could be read.
    pub fn response_tail(&self) -> [u8; 8] {
        self.response_tail.to_ne_bytes()
    }

    /// Errno that ended the connection.
    pub fn error(&self) -> Option<i32> {
        (self.error != 0).then_some(self.error)
    }

    /// Whether the other end is a socket of this host that is watched too.
    pub fn peer_is_here(&self) -> bool {
        self.flags & PEER_IS_HERE != 0
    }

    /// Whether the response has only paused: it may be all, or not.
    pub fn may_go_on(&self) -> bool {
        self.flags & MAY_GO_ON != 0
    }

    /// Whether an earlier record told of the same exchange.
    pub fn was_shown(&self) -> bool {
        self.flags & WAS_SHOWN != 0
    }

    /// Whether the connection ended before any response.
    pub fn is_unanswered(&self) -> bool {
        self.flags & UNANSWERED != 0
    }

    /// Its last moment.
    pub fn end_ns(&self) -> u64 {
        self.response_end_ns.max(self.request_end_ns)
    }
}

impl Record for Exchange {
    fn header(&self) -> &Header {
        &self.header
    }

    fn is_known(&self) -> bool {
        self.kind().is_some() && self.role().is_some() && self.local().is_some()
    }
}

/// A write or read of the response that began with a status line.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
pub struct Head {
    /// When.
    pub mono_ns: u64,
    /// Bytes of the response before it.
    pub at: u32,
    /// Its status.
    pub status: u16,
    reserved: u16,
}

const HEADS: usize = 8;
const RESPONSE_BYTES: usize = 512;

/// What follows an exchange of HTTP up to the request's bytes; `struct http_exchange` of record.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
struct RawExcerpt {
    heads: [Head; HEADS],
    heads_seen: u32,
    response_captured: u16,
    request_captured: u16,
    response: [u8; RESPONSE_BYTES],
}

const _: () =
    assert!(size_of::<Exchange>() + size_of::<RawExcerpt>() + 1024 == 1888, "record.h has the same assertion");

/// The first bytes of an HTTP exchange, as they were sent.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'a> {
    /// Of the request, or of several that were sent before any response.
    pub request: &'a [u8],
    /// Of the response.
    pub response: &'a [u8],
    /// Writes or reads that began with a status line, the first few.
    pub heads: &'a [Head],
}

impl<'a> Excerpt<'a> {
    /// Out of the bytes that follow an [`Exchange`]; empty where there are none.
    pub fn read(rest: &'a [u8]) -> Self {
        let Ok((raw, request)) = RawExcerpt::ref_from_prefix(rest) else {
            return Self { request: &[], response: &[], heads: &[] };
        };
        Self {
            request: &request[..usize::from(raw.request_captured).min(request.len())],
            response: &raw.response[..usize::from(raw.response_captured).min(RESPONSE_BYTES)],
            heads: &raw.heads[..(raw.heads_seen as usize).min(HEADS)],
        }
    }
}
