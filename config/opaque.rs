//! Values that must not be shown.

use std::fmt;

/// What stands in place of a secret in every output.
pub const REDACTED: &str = "[REDACTED]";

/// A secret string: debug, display and `print-config` show `[REDACTED]`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Opaque(String);

impl Opaque {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}
