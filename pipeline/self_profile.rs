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

    /// What is allocated now, and who asked for it since [`SelfProfiler::watch_heap`].
    ///
    /// # Errors
    /// What making the file came upon.
    fn heap(&self) -> Pending<'static, Result<Vec<u8>, String>>;

    /// Samples who allocates, until what this gives is dropped.
    fn watch_heap(&self) -> Box<dyn Debug + Send + Sync>;
}
