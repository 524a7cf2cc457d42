//! The OpenTelemetry Collector's configuration language.
//!
//! The way of a configuration: [`source`] texts -> [`yaml`] trees -> [`merge`] -> [`expand`] of `${...}` ->
//! typed values by [`Decode`]. A tree is made of [`Node`]s; every fault becomes an [`Error`] with its
//! `a::b::c` path, and all faults are reported at once.
//!
//! This crate knows nothing of pipelines or components: who decodes which part is the caller's business.

mod component_id;
mod decode;
mod duration;
mod encode;
mod error;
mod escapes;
mod expand;
pub mod gates;
mod merge;
mod node;
mod opaque;
mod scalars;
mod section;
mod settings;
mod source;
mod suggest;
mod words;
mod yaml;

pub use component_id::ComponentId;
pub use decode::{Decode, Decoder, FieldDoc, Fields, Rules};
pub use duration::{parse_duration, print_duration};
pub use encode::{Secrets, to_yaml};
pub use error::{Error, Errors};
pub use escapes::{escaped, unescaped};
pub use expand::expand;
pub use merge::merge;
pub use node::{Map, Node, Origin, Value};
pub use opaque::{Opaque, REDACTED};
pub use section::Section;
pub use settings::key;
pub use source::{Environment, SourceError, load, set_flag};
pub use suggest::nearest;
pub use yaml::parse;

#[cfg(test)]
mod tests;
