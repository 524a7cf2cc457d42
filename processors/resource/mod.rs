//! Changes resource attributes.
//!
//! ```yaml
//! resource:
//!   attributes:
//!     - {key: deployment.environment.name, action: upsert, value: production}
//!     - {key: k8s.cluster.name, action: insert, from_attribute: cluster}
//!     - {pattern: '^internal\.', action: delete}
//! ```
//!
//! Actions run in their order, with the Collector's meaning. Only resources are decoded; the items below them pass as
//! the bytes they came in. `hash` is SHA-256. Patterns have no look-around, as in Go; they match anywhere in the text.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use config::{Decode, Decoder, Rules};
use pipeline::component::{
    BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, Transform, Verdict, decode,
};
use pipeline::{Batch, BuildError, Rejected, Signal};

use crate::attribute_actions::{Action, Steps};

config::settings! {
    /// Changes of resource attributes.
    pub struct Config {
        /// What is done, in this order.
        pub attributes: Vec<Action> = Vec::new(),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.attributes.is_empty() {
            decoder.at("attributes", |d| d.error("must have at least one action"));
        }
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "resource",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Beta,
    sample: "attributes:\n  - {key: deployment.environment.name, action: upsert, value: production}\n  \
             - {key: k8s.cluster.name, action: insert, from_attribute: cluster}\n  \
             - {pattern: '^internal\\.', action: delete}\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let steps = Steps::new(&self.attributes).map_err(|message| BuildError::of(&cx, message))?;
        Ok(Processor::Transform(Arc::new(Relabel { steps })))
    }
}

struct Relabel {
    steps: Steps,
}

impl Transform for Relabel {
    fn apply(&self, mut batch: Batch) -> Verdict {
        let origin = batch.origin().clone();
        match batch.change_resources(|resource| self.steps.apply(&mut resource.attributes, &origin)) {
            Ok(()) => Verdict::Pass(batch),
            Err(undecodable) => Verdict::Reject(Rejected::permanent(undecodable.to_string())),
        }
    }
}
