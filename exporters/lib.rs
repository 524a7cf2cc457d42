//! Where telemetry goes out: one folder per exporter, one row per exporter in [`ALL`].

use pipeline::component::ExporterFactory;

pub mod debug;
pub mod file;
pub mod prometheus;

/// Every exporter.
pub static ALL: &[&ExporterFactory] = &[&debug::FACTORY, &file::FACTORY, &prometheus::FACTORY];

#[cfg(test)]
mod tests;
