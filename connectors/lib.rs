//! What stands between pipelines: one folder per connector, one row per connector in [`ALL`].

use pipeline::connector::ConnectorFactory;

pub mod count;
mod exponential;
mod flush;
pub mod forward;
mod histogram;
mod series;
pub mod service_graph;
pub mod span_metrics;

/// Every connector.
pub static ALL: &[&ConnectorFactory] =
    &[&count::FACTORY, &forward::FACTORY, &service_graph::FACTORY, &span_metrics::FACTORY];

#[cfg(test)]
mod tests;
