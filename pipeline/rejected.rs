//! The only error of the data path.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::{Batch, Code, Undecodable};

/// What a sender may do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same batch may succeed later.
    Retryable,
    /// The same batch will never succeed.
    Permanent,
    /// The receiver of the batch is shutting down.
    Closed,
}

/// Why a batch, or a part of it, was not taken.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// What the sender may do.
    pub kind: Kind,
    /// The code that a client is to see, when the other side gave one.
    pub code: Option<Code>,
    /// What happened, for logs and for the client.
    pub reason: Cow<'static, str>,
    /// How long to wait at least, when the other side said so.
    pub retry_after: Option<Duration>,
    /// What was not taken, if not all of it.
    pub rest: Option<Batch>,
}

/// Bytes that nobody can read will not get better.
impl From<Undecodable> for Rejected {
    fn from(undecodable: Undecodable) -> Self {
        Self::permanent(undecodable.to_string())
    }
}

impl Rejected {
    /// The same batch may succeed later.
    pub fn retryable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Retryable, reason)
    }

    /// The same batch will never succeed.
    pub fn permanent(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Permanent, reason)
    }

    /// The component is shutting down.
    pub fn closed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Closed, reason)
    }

    fn new(kind: Kind, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, code: None, reason: reason.into(), retry_after: None, rest: None }
    }

    /// One answer for several receivers of the same batch: retryable if any is, with the longest wait. `rest` cannot be
    /// joined, because they may have kept different parts; the whole batch is to be sent again.
    ///
    /// # Errors
    /// When there is any failure.
    pub(crate) fn join(failures: Vec<Self>) -> Result<(), Self> {
        if failures.len() <= 1 {
            return failures.into_iter().next().map_or(Ok(()), |one| Err(Self { rest: None, ..one }));
        }
        let reason = failures.iter().map(|f| f.reason.as_ref()).collect::<Vec<_>>().join("; ");
        let retry_after = failures.iter().filter_map(|f| f.retry_after).max();
        let retryable = failures.iter().any(|f| f.kind == Kind::Retryable);
        // A code stands for all only if it is theirs.
        let code = failures[0].code.filter(|code| failures.iter().all(|f| f.code == Some(*code)));
        let joined = if retryable { Self::retryable(reason) } else { Self::permanent(reason) };
        Err(Self { code, retry_after, ..joined })
    }

    /// How many of `sent` items were not taken.
    pub fn items(&self, sent: u32) -> u32 {
        self.rest.as_ref().map_or(sent, Batch::items)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Rejected {}
