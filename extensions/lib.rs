//! What runs beside the pipelines: one folder per extension, one row per extension in [`ALL`].

use pipeline::extension::ExtensionFactory;

pub mod file_storage;
pub mod health_check;
pub mod pprof;
pub mod zpages;

/// Every extension.
pub static ALL: &[&ExtensionFactory] =
    &[&file_storage::FACTORY, &health_check::FACTORY, &pprof::FACTORY, &zpages::FACTORY];
