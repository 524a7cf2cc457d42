//! What spans there were, for people who look at one node.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::proto::trace::v1 as proto;

/// So many of each name are remembered.
const SAMPLES: usize = 10;
/// Names come from the configuration, so there are few.
const NAMES: usize = 1000;

/// Spans by name.
#[derive(Clone, Debug, Default)]
pub struct Recent(pub BTreeMap<String, Kind>);

/// Spans of one name.
#[derive(Clone, Debug, Default)]
pub struct Kind {
    /// All that are over.
    pub count: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// The longest.
    pub longest: Duration,
    /// The last few, newest first.
    pub samples: VecDeque<Sample>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its trace, in hexadecimal digits.
    pub trace: String,
    /// When it began, in nanoseconds since 1970.
    pub start_unix_ns: u64,
    /// How long it took.
    pub duration: Duration,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

impl Recent {
    pub(super) fn note(&mut self, span: &proto::Span) {
        if self.0.len() >= NAMES && !self.0.contains_key(&span.name) {
            return;
        }
        let kind = self.0.entry(span.name.clone()).or_default();
        let duration = Duration::from_nanos(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
        let error = span.status.as_ref().map(|status| status.message.clone());
        kind.count += 1;
        kind.failed += u64::from(error.is_some());
        kind.longest = kind.longest.max(duration);
        kind.samples.truncate(SAMPLES - 1);
        let trace = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
        kind.samples.push_front(Sample { trace, start_unix_ns: span.start_time_unix_nano, duration, error });
    }
}
