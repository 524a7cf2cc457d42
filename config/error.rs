//! What is wrong with a configuration, and where.

use std::fmt;

/// One fault: the path to the offending key and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Keys from the root to the fault; empty for the document as a whole.
    pub path: Vec<String>,
    /// What is wrong and, where it can be known, what to write instead.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path.join("::"), self.message)
    }
}

impl std::error::Error for Error {}

/// Every fault found in one configuration, one per line when shown. Never empty when used as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines())]
pub struct Errors(pub Vec<Error>);

impl Errors {
    fn lines(&self) -> String {
        self.0.iter().map(Error::to_string).collect::<Vec<_>>().join("\n")
    }

    /// `Ok(value)` when no fault was found.
    pub fn or(self, value: impl FnOnce() -> Result<(), Errors>) -> Result<(), Errors> {
        if self.0.is_empty() { value() } else { Err(self) }
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}
