//! The settings of gRPC servers.

use std::time::Duration;

use config::{Rules, Section};

use super::connection::Connections;
use super::http::{builder, limit};
use super::{Auth, Middleware, Server, ServerError};
use crate::{ListenSettings, TlsServerSettings};

/// gRPC's own limit.
const MESSAGE_MIB: u32 = 4;
/// gRPC's own times for asking a silent client whether it is still there.
const PING_AFTER: Duration = Duration::from_secs(2 * 60 * 60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// A message comes in fewer pieces from clients that send frames of this size; Go's send 16 KiB at most.
const FRAME_BYTES: u32 = 1024 * 1024;

config::settings! {
    /// A gRPC server.
    pub struct GrpcServerSettings (pub listen: ListenSettings = ListenSettings::default()) {
        /// How TLS is spoken; not at all when absent.
        pub tls: Section<TlsServerSettings> = Section::off(),
        /// A message may have so many MiB, compressed and not; 0 is 4 MiB.
        pub max_recv_msg_size_mib: u32 = 0,
        /// Calls at once on one connection; 0 leaves it to the server.
        pub max_concurrent_streams: u32 = 0,
        /// Taken from the Collector's files without effect: buffers have the size of what is in them.
        pub read_buffer_size: u32 = 0,
        /// Taken from the Collector's files without effect: buffers have the size of what is in them.
        pub write_buffer_size: u32 = 0,
        /// How connections are kept and ended.
        pub keepalive: Section<ServerKeepalive> = Section::off(),
        /// Who checks the clients.
        pub auth: Section<Auth> = Section::off(),
        /// Whether request headers go with the data, for processors that look at them.
        pub include_metadata: bool = false,
        /// Extensions that stand before the server.
        pub middlewares: Vec<Middleware> = Vec::new(),
    }
}

config::settings! {
    /// How connections are kept and ended.
    pub struct ServerKeepalive {
        /// When the server ends a connection.
        pub server_parameters: Section<ServerParameters> = Section::off(),
        /// How often clients may ask.
        pub enforcement_policy: Section<EnforcementPolicy> = Section::off(),
    }
}

config::settings! {
    /// When the server ends a connection; 0 is never, where nothing else is said.
    pub struct ServerParameters {
        /// After so long without a call.
        pub max_connection_idle: Duration = Duration::ZERO,
        /// After so long altogether, give or take ten per cent: no more calls are taken.
        pub max_connection_age: Duration = Duration::ZERO,
        /// So long after max_connection_age calls under way are given up.
        pub max_connection_age_grace: Duration = Duration::ZERO,
        /// A silent client is asked after so long whether it is still there; 0 is two hours.
        pub time: Duration = Duration::ZERO,
        /// And is gone if it does not answer within so long; 0 is 20s.
        pub timeout: Duration = Duration::ZERO,
    }
}

config::settings! {
    /// How often clients may ask whether the server is still there.
    pub struct EnforcementPolicy {
        /// Not more often than this; 0 is five minutes.
        pub min_time: Duration = Duration::ZERO,
        /// Whether they may ask while no call is under way.
        pub permit_without_stream: bool = false,
    }
}

impl Rules for GrpcServerSettings {}
impl Rules for ServerKeepalive {}
impl Rules for ServerParameters {}
impl Rules for EnforcementPolicy {}

impl GrpcServerSettings {
    /// Opens the port and reads the certificates.
    ///
    /// # Errors
    /// When the port cannot be had, or a certificate not be read.
    pub async fn open(&self) -> Result<Server, ServerError> {
        let asked = self.keepalive.get().and_then(|keepalive| keepalive.server_parameters.get().cloned());
        let keep = asked.unwrap_or_default();
        let mut http = builder().http2_only();
        http.http2()
            .max_frame_size(FRAME_BYTES)
            .keep_alive_interval(limit(keep.time).unwrap_or(PING_AFTER))
            .keep_alive_timeout(limit(keep.timeout).unwrap_or(PING_TIMEOUT));
        if self.max_concurrent_streams > 0 {
            http.http2().max_concurrent_streams(self.max_concurrent_streams);
        }
        let connections = Connections {
            http,
            idle: limit(keep.max_connection_idle),
            age: limit(keep.max_connection_age),
            grace: limit(keep.max_connection_age_grace),
        };
        let tls = self.tls.get().map(|tls| tls.open(&["h2"]));
        Server::open(&self.listen, tls, connections).await
    }

    /// How many bytes a message may have, compressed and not.
    pub fn message_bytes_at_most(&self) -> usize {
        let mib = if self.max_recv_msg_size_mib == 0 { MESSAGE_MIB } else { self.max_recv_msg_size_mib };
        mib as usize * 1024 * 1024
    }
}
