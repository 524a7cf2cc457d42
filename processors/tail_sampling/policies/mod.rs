//! The policies.

mod attributes;
mod conditions;
mod groups;
mod limits;
mod spans;

pub use attributes::Attribute;
pub use conditions::Conditions;
pub use groups::{And, Composite, DropAll, Not};
pub use limits::Rate;
pub use spans::{Always, Latency, Probabilistic, SpanCount, StatusCode, TraceFlags, TraceState};
