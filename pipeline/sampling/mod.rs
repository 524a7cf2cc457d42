//! Consistent probability sampling: thresholds, randomness, and where items say them.
//!
//! Source: OpenTelemetry's specification of probability sampling (OTEP 235) and W3C trace context.

mod fnv;
mod members;
mod numbers;
#[cfg(test)]
mod tests;
mod tracestate;

pub use fnv::{fnv_1a_32, fnv_1a_64};
pub use numbers::{Randomness, Threshold};
pub use tracestate::{TraceState, member};

/// What an item says of how it was sampled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Its randomness, if that is not the one of the trace id.
    pub randomness: Option<Randomness>,
    /// The threshold that it has passed.
    pub threshold: Option<Threshold>,
}

/// Text that is no threshold, randomness or trace state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// More than fits.
    #[error("too long")]
    TooLong,
    /// Not of the form.
    #[error("not of the form that the specification says")]
    Syntax,
}
