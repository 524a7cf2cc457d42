//! What stands between pipelines: an exporter of one and a receiver of another.

use std::sync::Arc;

use crate::component::{BuildContext, Configured, Factory};
use crate::{BuildError, Next, Signal, Tasks};

/// A row of the connectors' table. Its signals are those that it takes.
pub type ConnectorFactory = Factory<dyn ConnectorConfig>;

/// Settings that can become a connector.
pub trait ConnectorConfig: Configured {
    /// What it can make of a signal that it takes.
    fn gives(&self, from: Signal) -> &'static [Signal];

    /// Builds the connector; one per id, for all pipelines.
    ///
    /// # Errors
    /// What only building can find out.
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Connector>, BuildError>;
}

/// Between pipelines.
pub trait Connector: Send + Sync {
    /// The edge for batches of `from` into the pipelines behind it. Called once for each signal that some pipeline
    /// sends it. Its tasks, if any, hand over what they hold when they are told to stop: that is after the pipelines
    /// before it have drained, and before those behind it are told to.
    fn edge(&self, from: Signal, outputs: Outputs, tasks: &mut Tasks) -> Next;
}

/// The edges into the pipelines behind a connector, by signal.
#[derive(Clone, Debug, Default)]
pub struct Outputs(Vec<(Signal, Next)>);

impl Outputs {
    /// These edges.
    pub fn new(edges: impl IntoIterator<Item = (Signal, Next)>) -> Self {
        Self(edges.into_iter().collect())
    }

    /// The edge for this signal, if a pipeline takes it.
    pub fn get(&self, signal: Signal) -> Option<&Next> {
        self.0.iter().find(|(of, _)| *of == signal).map(|(_, next)| next)
    }
}
