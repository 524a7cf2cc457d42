//! Where telemetry goes out: one folder per exporter, one row per exporter in [`ALL`].

use pipeline::component::ExporterFactory;

pub mod debug;
pub mod elasticsearch;
pub mod file;
pub mod nop;
mod otlp;
pub mod otlp_grpc;
pub mod otlp_http;
pub mod prometheus;

/// Every exporter.
pub static ALL: &[&ExporterFactory] = &[
    &debug::FACTORY,
    &elasticsearch::FACTORY,
    &file::FACTORY,
    &nop::FACTORY,
    &otlp_grpc::FACTORY,
    &otlp_http::FACTORY,
    &prometheus::FACTORY,
];

#[cfg(test)]
mod tests;
