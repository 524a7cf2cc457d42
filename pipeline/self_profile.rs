//! Profiles of this program, for whoever shows them.

use std::fmt::Debug;

use crate::Pending;

/// Makes profiles of this program, as gzipped pprof.
pub trait SelfProfiler: Debug + Send + Sync {
    /// Where CPU time goes from now until `end`.
    ///
    /// # Errors
    /// Why it cannot be told, and what to do.
    fn cpu(&self, end: Pending<'static, ()>) -> Pending<'static, Result<Vec<u8>, String>>;

    /// What is allocated now.
    ///
    /// # Errors
    /// What making the file came upon.
    fn heap(&self) -> Result<Vec<u8>, String>;
}
