//! Everything is taken and nothing kept: for a pipeline that has to have an exporter, and for measuring the rest of it.
//!
//! ```yaml
//! nop:
//! ```

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Rules};
use pipeline::component::{BuildContext, Exporter, ExporterConfig, ExporterFactory, Factory, Stability, decode};
use pipeline::{Batch, BuildError, Rejected, Signal};

config::settings! {
    /// Everything is taken and nothing kept.
    pub struct Config {}
}

impl Rules for Config {}

/// Its row in the exporters' table.
pub static FACTORY: ExporterFactory = Factory {
    name: "nop",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Beta,
    sample: "",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExporterConfig for Config {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        Ok(Arc::new(Nop))
    }
}

struct Nop;

#[async_trait]
impl Exporter for Nop {
    async fn send(&self, _: Batch) -> Result<(), Rejected> {
        Ok(())
    }
}
