//! The network settings that components share, named as in the Collector, and the client they make.
//!
//! Settings: [`TlsSettings`], [`Headers`], [`Compression`], and what an `endpoint` may be ([`endpoint`]). [`Client`]
//! sends a request over HTTP/1.1 or HTTP/2, with a pool of connections, and gives the whole [`Answer`]. [`pages`] is a
//! small server for what somebody looks at: metrics, health.

mod body;
mod client;
mod compression;
mod connect;
pub mod endpoint;
mod headers;
pub mod pages;
mod tls;

pub use body::Chunks;
pub use client::{Answer, Client, NoAnswer, Version};
pub use compression::Compression;
pub use headers::Headers;
pub use hyper::http::Version as HttpVersion;
pub use hyper::http::request::Parts;
pub use hyper::{HeaderMap, Method, Request, StatusCode, Uri, header};
pub use tls::{TlsError, TlsSettings};

/// What kpulse calls itself in requests.
pub const USER_AGENT: &str = concat!("kpulse/", env!("CARGO_PKG_VERSION"), " (linux)");

#[cfg(test)]
mod tests;
