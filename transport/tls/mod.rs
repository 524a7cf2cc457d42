//! TLS of clients and servers.
//!
//! rustls with ring: no C library to link and no cmake to build. It speaks TLS 1.2 and 1.3.

mod client;
mod material;
mod reload;
mod server;
mod trust;
mod versions;

pub use client::TlsSettings;
pub use material::TlsMaterial;
pub(crate) use reload::Reloading;
pub use server::TlsServerSettings;

/// Why TLS cannot be spoken with these settings.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub(crate) String);

fn at(place: &str, error: impl std::fmt::Display) -> TlsError {
    TlsError(format!("{place}: {error}"))
}
