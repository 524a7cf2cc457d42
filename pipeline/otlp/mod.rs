//! OTLP in its three outer forms: checked wire bytes, structs, JSON.
//!
//! One table ([`schema`]) of messages and fields drives the structural check of received bytes ([`walk`]),
//! the JSON writer and the JSON reader ([`json`]), for all four signals. Nothing here decodes into structs:
//! JSON is written straight from wire bytes and read straight into them.

mod attribute;
pub mod json;
mod plan;
pub mod schema;
mod texts;
mod walk;
pub mod wire;

pub use texts::mended;
pub use walk::walk;

#[cfg(test)]
mod tests;
