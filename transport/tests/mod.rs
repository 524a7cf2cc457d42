//! Settings as they are written, and TLS against a real handshake.

mod settings;
mod tls;
