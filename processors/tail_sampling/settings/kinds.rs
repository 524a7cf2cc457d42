//! The sections of policies, one for each type.

use config::Rules;

use ottl::ErrorMode;

config::words! {
    /// What a policy looks at.
    pub enum Kind: "type" {
        /// Every trace.
        AlwaysSample = "always_sample",
        /// The time from the first start to the last end.
        Latency = "latency",
        /// A whole number in an attribute.
        NumericAttribute = "numeric_attribute",
        /// A hash of the trace id.
        Probabilistic = "probabilistic",
        /// The status of spans.
        StatusCode = "status_code",
        /// A text in an attribute.
        StringAttribute = "string_attribute",
        /// How many spans were kept lately.
        RateLimiting = "rate_limiting",
        /// How many bytes were kept lately.
        BytesLimiting = "bytes_limiting",
        /// How many spans there are.
        SpanCount = "span_count",
        /// A value in the trace state.
        TraceState = "trace_state",
        /// The sampled flag of spans.
        TraceFlags = "trace_flags",
        /// True or false in an attribute.
        BooleanAttribute = "boolean_attribute",
        /// Conditions in OTTL.
        OttlCondition = "ottl_condition",
        /// All of several policies.
        And = "and",
        /// The opposite of a policy.
        Not = "not",
        /// All of several policies, to drop.
        Drop = "drop",
        /// The first of several policies, each with its share of a rate.
        Composite = "composite",
    }
}

/// What stands in for a word that was not understood; the fault was reported.
impl Default for Kind {
    fn default() -> Self {
        Self::AlwaysSample
    }
}

config::settings! {
    /// How long a trace took.
    pub struct Latency {
        /// At least so many milliseconds; more than that if there is an upper threshold.
        pub threshold_ms: i64 = 0,
        /// At most so many milliseconds; 0 is any number.
        pub upper_threshold_ms: i64 = 0,
    }
}

config::settings! {
    /// A whole number in an attribute of a span or resource.
    pub struct NumericAttribute {
        /// The key.
        pub key: String = String::new(),
        /// The lowest that fits; 0 is no limit.
        pub min_value: i64 = 0,
        /// The highest that fits; 0 is no limit.
        pub max_value: i64 = 0,
        /// Whether none may fit instead.
        pub invert_match: bool = false,
    }
}

config::settings! {
    /// A part of all traces.
    pub struct Probabilistic {
        /// What is hashed before the trace id.
        pub hash_salt: String = String::new(),
        /// How many of a hundred.
        pub sampling_percentage: f64 = 0.0,
    }
}

config::settings! {
    /// The status of one span.
    pub struct StatusCode {
        /// The codes that fit: OK, ERROR, UNSET.
        pub status_codes: Vec<String> = Vec::new(),
    }
}

config::settings! {
    /// A text in an attribute of a span or resource.
    pub struct StringAttribute {
        /// The key.
        pub key: String = String::new(),
        /// The texts that fit.
        pub values: Vec<String> = Vec::new(),
        /// Whether they are regular expressions.
        pub enabled_regex_matching: bool = false,
        /// How many results the Collector keeps: read, and not needed.
        pub cache_max_size: i64 = 0,
        /// Whether none may fit instead.
        pub invert_match: bool = false,
    }
}

config::settings! {
    /// A rate of spans.
    pub struct RateLimiting {
        /// How many spans each second.
        pub spans_per_second: u64 = 0,
        /// How many at once; 0 is twice as many as each second.
        pub burst_capacity: u64 = 0,
    }
}

config::settings! {
    /// A rate of bytes.
    pub struct BytesLimiting {
        /// How many bytes of OTLP each second.
        pub bytes_per_second: u64 = 0,
        /// How many at once; 0 is twice as many as each second.
        pub burst_capacity: u64 = 0,
    }
}

config::settings! {
    /// A number of spans.
    pub struct SpanCount {
        /// The lowest that fits.
        pub min_spans: i32 = 0,
        /// The highest that fits; 0 is any.
        pub max_spans: i32 = 0,
    }
}

config::settings! {
    /// A value in the trace state of a span.
    pub struct TraceStateValue {
        /// The key.
        pub key: String = String::new(),
        /// The values that fit.
        pub values: Vec<String> = Vec::new(),
    }
}

config::settings! {
    /// True or false in an attribute of a span or resource.
    pub struct BooleanAttribute {
        /// The key.
        pub key: String = String::new(),
        /// What fits.
        pub value: bool = false,
        /// Whether none may fit instead.
        pub invert_match: bool = false,
    }
}

config::settings! {
    /// Conditions of which one is enough.
    pub struct OttlCondition {
        /// What becomes of a condition that fails: ignore, silent or propagate.
        pub error_mode: ErrorMode = ErrorMode::Ignore,
        /// Conditions for spans.
        pub span: Vec<String> = Vec::new(),
        /// Conditions for events of spans.
        pub spanevent: Vec<String> = Vec::new(),
    }
}

config::settings! {
    /// A policy's share.
    pub struct RateAllocation {
        /// Its name.
        pub policy: String = String::new(),
        /// How many of a hundred; 0 is as many as each would have.
        pub percent: i64 = 0,
    }
}

impl Rules for Latency {}
impl Rules for NumericAttribute {}
impl Rules for Probabilistic {}
impl Rules for StatusCode {}
impl Rules for StringAttribute {}
impl Rules for RateLimiting {}
impl Rules for BytesLimiting {}
impl Rules for SpanCount {}
impl Rules for TraceStateValue {}
impl Rules for BooleanAttribute {}
impl Rules for OttlCondition {}
impl Rules for RateAllocation {}
