//! What stands between pipelines: one folder per connector, one row per connector in [`ALL`].

use pipeline::connector::ConnectorFactory;

pub mod forward;

/// Every connector.
pub static ALL: &[&ConnectorFactory] = &[&forward::FACTORY];
