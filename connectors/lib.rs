//! What stands between pipelines: one folder per connector, one row per connector in [`ALL`].

use pipeline::connector::ConnectorFactory;

pub mod count;
pub mod forward;

/// Every connector.
pub static ALL: &[&ConnectorFactory] = &[&count::FACTORY, &forward::FACTORY];

#[cfg(test)]
mod tests;
