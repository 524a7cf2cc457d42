//! What is said, before it becomes a line or a log record.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tracing::{Level, Metadata};

/// Something said.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, in nanoseconds since 1970.
    pub unix_nanos: u64,
    /// How important it is.
    pub severity: Severity,
    /// File and line in the source, unless they are left out.
    pub caller: Option<(&'static str, u32)>,
    /// The text.
    pub message: String,
    /// The fields of its spans, from the outermost, and then its own.
    pub fields: Vec<(&'static str, Value)>,
}

/// How important something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// For developers.
    Debug,
    /// What an operator wants to know.
    Info,
    /// What may need attention.
    Warn,
    /// What does.
    Error,
}

impl Severity {
    /// As log lines have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// File and line in the source.
pub fn caller(metadata: &'static Metadata<'static>) -> Option<(&'static str, u32)> {
    Some((metadata.file()?, metadata.line()?))
}

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
