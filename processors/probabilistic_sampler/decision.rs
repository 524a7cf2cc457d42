//! What becomes of one item, and why.

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// A hash of the trace id.
    TraceIdHash,
    /// The randomness of the trace id.
    TraceIdW3c,
    /// Randomness that the item says.
    SamplingRandomness,
    /// The item's priority.
    SamplingPriority,
    /// A hash of an attribute.
    Attribute,
    /// Nothing is random about the item.
    MissingRandomness,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 6] = [
        Self::TraceIdHash,
        Self::TraceIdW3c,
        Self::SamplingRandomness,
        Self::SamplingPriority,
        Self::Attribute,
        Self::MissingRandomness,
    ];
}

/// What becomes of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is kept.
    pub sampled: bool,
    /// What decided.
    pub policy: Policy,
    /// Whether what it says of its sampling has to be written anew.
    pub changed: bool,
}
