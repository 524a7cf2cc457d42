//! The network settings that components share, named as in the Collector, and the client and server they make.
//!
//! Settings of clients: [`TlsSettings`], [`Headers`], [`Compression`], and what an `endpoint` may be ([`endpoint`]).
//! [`Client`] sends a request over HTTP/1.1 or HTTP/2, with a pool of connections, and gives the whole [`Answer`].
//!
//! Settings of servers: [`HttpServerSettings`] and [`GrpcServerSettings`]; each opens a [`Server`], which answers with
//! what a [`Handler`] makes of each request. [`pages`] is a small server for what somebody looks at: metrics, health.

mod body;
mod client;
mod compression;
mod connect;
mod cors;
mod decompress;
mod dialing;
pub mod endpoint;
mod headers;
mod listen;
pub mod pages;
mod proxies;
mod proxy;
mod server;
mod status;
mod tls;

pub use body::Chunks;
pub use client::{Answer, Client, NoAnswer, Version};
pub use compression::Compression;
pub use cors::{Cors, is_preflight};
pub use decompress::{ContentEncoding, DecompressError};
pub use dialing::{ClientAuth, ClientKeepalive, Connections};
pub use headers::Headers;
pub use hyper::body::Incoming;
pub use hyper::http::Version as HttpVersion;
pub use hyper::http::request::Parts;
pub use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
pub use listen::{DialerSettings, ListenError, ListenSettings, Listener, Network, SocketFile};
pub use server::{
    Answering, Auth, Caller, EnforcementPolicy, Gate, GatherError, GrpcServerSettings, Handler, HttpServerSettings,
    Middleware, Said, Server, ServerError, ServerKeepalive, ServerParameters, gated, gather,
};
pub use status::{Detail, Status};
pub use tls::{TlsError, TlsMaterial, TlsServerSettings, TlsSettings};

/// What kpulse calls itself in requests.
pub const USER_AGENT: &str = concat!("kpulse/", env!("CARGO_PKG_VERSION"), " (linux)");

#[cfg(test)]
mod tests;
