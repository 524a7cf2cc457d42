//! Changes attributes of spans, log records and data points.
//!
//! ```yaml
//! attributes:
//!   include:
//!     match_type: regexp
//!     services: ['^shop-']
//!   actions:
//!     - {key: deployment.environment.name, action: insert, value: production}
//!     - {key: user.email, action: hash}
//!     - {pattern: '^internal\.', action: delete}
//! ```
//!
//! Actions run in their order, as those of `resource` do, on the items that fit `include` and not `exclude`; a property
//! that items of the pipeline's signal do not have is a mistake. Without either, items pass as the bytes they came in and
//! only the attributes that an action looks at are decoded. `hash` is SHA-256. Patterns have no look-around, as in Go.
//! `resources` is a condition for metrics too (the Collector reads it there and does not look).

mod choice;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use config::{Decode, Decoder, Rules};
use pipeline::component::{
    BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, Transform, Verdict, decode,
};
use pipeline::proto::{LogsRequest, MetricsRequest, TracesRequest};
use pipeline::{Batch, BuildError, Rejected, Signal};

use crate::attribute_actions::{Action, Steps};
use crate::matching::{Chosen, Properties};
use ottl::walk::Tree;

config::settings! {
    /// Changes of attributes, and of which items.
    pub struct Config {
        /// What is done, in this order.
        pub actions: Vec<Action> = Vec::new(),
        /// Items with these properties are changed, all others are not.
        pub include: Option<Properties> = None,
        /// Items with these properties are not changed.
        pub exclude: Option<Properties> = None,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.actions.is_empty() {
            decoder.at("actions", |d| d.error("must have at least one action"));
        }
        for (key, properties) in [("include", &self.include), ("exclude", &self.exclude)] {
            if let Some(fault) = properties.as_ref().and_then(choice::fault) {
                decoder.at(key, |d| d.error(fault));
            }
        }
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "attributes",
    alias: None,
    signals: &[Signal::Traces, Signal::Metrics, Signal::Logs],
    stability: Stability::Beta,
    sample: "include:\n  match_type: regexp\n  services: ['^shop-']\nactions:\n  \
             - {key: deployment.environment.name, action: insert, value: production}\n  \
             - {key: user.email, action: hash}\n  - {pattern: '^internal\\.', action: delete}\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let steps = Steps::new(&self.actions).map_err(|message| BuildError::of(&cx, message))?;
        let chosen = choice::of(self, cx.signal).map_err(|message| BuildError::of(&cx, message))?;
        Ok(Processor::Transform(Arc::new(Relabel { steps, chosen })))
    }
}

struct Relabel {
    steps: Steps,
    chosen: Chosen,
}

impl Transform for Relabel {
    fn apply(&self, mut batch: Batch) -> Verdict {
        let origin = batch.origin().clone();
        let changed = match batch.signal() {
            _ if self.chosen.is_everything() => {
                batch.change_attributes(|attributes| self.steps.apply(attributes, &origin))
            }
            Signal::Traces => self.run::<TracesRequest>(&mut batch),
            Signal::Metrics => self.run::<MetricsRequest>(&mut batch),
            Signal::Logs => self.run::<LogsRequest>(&mut batch),
            Signal::Profiles => Ok(()),
        };
        match changed {
            Ok(()) => Verdict::Pass(batch),
            Err(undecodable) => Verdict::Reject(Rejected::permanent(undecodable.to_string())),
        }
    }
}

impl Relabel {
    fn run<T: Tree>(&self, batch: &mut Batch) -> Result<(), pipeline::Undecodable> {
        let origin = batch.origin().clone();
        batch.change::<T>(|request| choice::each(request, &self.chosen, |list| self.steps.apply(list, &origin)))?;
        Ok(())
    }
}
