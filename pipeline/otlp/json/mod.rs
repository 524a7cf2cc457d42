//! OTLP/JSON: lowerCamelCase keys, hex ids, base64 bytes, 64-bit integers as decimal strings, enums as numbers,
//! `"NaN"` and `"Infinity"` for doubles that JSON has no number for.
//!
//! Own code, because the `opentelemetry-proto` crate's serde form loses NaN without an error, takes a wrong
//! casing for an empty document and refuses null lists. Source: the OTLP specification, "JSON Protobuf Encoding",
//! and the Collector's behaviour where that is wider (enum names and snake_case are understood).

mod read;
mod surrogates;
mod write;

pub use read::read;
pub use write::write;
