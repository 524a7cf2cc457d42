//! Hands what comes out of one pipeline to others as it is.
//!
//! ```yaml
//! forward:
//! ```
//!
//! It is an exporter of some pipelines and a receiver of others of the same signal: to join what several pipelines
//! prepared, or to part what goes different ways. The answer of the pipelines behind it is its answer.

use std::sync::Arc;

use config::Rules;
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::connector::{Connector, ConnectorConfig, ConnectorFactory, Outputs};
use pipeline::{BuildError, Next, Signal, Tasks};

config::settings! {
    /// Hands what comes out of one pipeline to others as it is.
    pub struct Config {}
}

impl Rules for Config {}

/// Row of the connectors' table.
pub static FACTORY: ConnectorFactory = Factory {
    name: "forward",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "",
    fields: <Config as config::Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ConnectorConfig for Config {
    fn gives(&self, from: Signal) -> &'static [Signal] {
        match from {
            Signal::Traces => &[Signal::Traces],
            Signal::Metrics => &[Signal::Metrics],
            Signal::Logs => &[Signal::Logs],
            Signal::Profiles => &[Signal::Profiles],
        }
    }

    fn build(&self, _: BuildContext) -> Result<Arc<dyn Connector>, BuildError> {
        Ok(Arc::new(Forward))
    }
}

struct Forward;

impl Connector for Forward {
    fn edge(&self, from: Signal, outputs: Outputs, _: &mut Tasks) -> Next {
        // Without a pipeline behind it the configuration was refused.
        outputs.get(from).cloned().unwrap_or_else(|| Next::fan_out(Vec::new()))
    }
}
