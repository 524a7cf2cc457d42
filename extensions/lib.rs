//! What runs beside the pipelines: one folder per extension, one row per extension in [`ALL`].

use pipeline::extension::ExtensionFactory;

pub mod health_check;

/// Every extension.
pub static ALL: &[&ExtensionFactory] = &[&health_check::FACTORY];
