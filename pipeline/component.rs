//! The contracts of receivers, processors and exporters, and the table row that announces one. Extensions have theirs
//! in [`crate::extension`].

use std::sync::Arc;

use async_trait::async_trait;
use config::{ComponentId, Decode, Decoder, FieldDoc, Node, Secrets};

use crate::authenticator::Authenticator;
use crate::credentials::Credentials;
use crate::delivery::Delivery;
use crate::extension::Extension;
use crate::{Batch, BuildError, Extensions, Next, Outlets, Rejected, Signal, StartError, Tasks, Telemetry};

/// One row of a component table. `C` is the kind's configuration trait, e.g. `dyn ReceiverConfig`.
pub struct Factory<C: ?Sized> {
    /// The type part of its ids; also its folder, module and docs page.
    pub name: &'static str,
    /// An old name that still works.
    pub alias: Option<&'static str>,
    /// What it takes (exporters), gives (receivers) or passes (processors).
    pub signals: &'static [Signal],
    /// How finished it is.
    pub stability: Stability,
    /// YAML as it would stand below its id.
    pub sample: &'static str,
    /// Its settings, for the reference docs.
    pub fields: &'static [FieldDoc],
    /// Reads its settings; faults go to the decoder.
    pub decode: fn(&Node, &mut Decoder) -> Box<C>,
}

/// How finished a component is, in the Collector's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stability {
    /// May change without notice.
    Alpha,
    /// Changes are announced.
    Beta,
    /// Compatible between minor versions.
    Stable,
}

/// A row of the receivers' table.
pub type ReceiverFactory = Factory<dyn ReceiverConfig>;
/// A row of the processors' table.
pub type ProcessorFactory = Factory<dyn ProcessorConfig>;
/// A row of the exporters' table.
pub type ExporterFactory = Factory<dyn ExporterConfig>;

/// What the engine does with any component's settings. Implemented for every [`Decode`].
pub trait Configured: Send + Sync {
    /// Reports every broken rule.
    fn validate(&self, decoder: &mut Decoder);
    /// For `print-config`.
    fn encode(&self, secrets: Secrets) -> Node;
}

impl<T: Decode + Send + Sync> Configured for T {
    fn validate(&self, decoder: &mut Decoder) {
        Decode::validate(self, decoder);
    }

    fn encode(&self, secrets: Secrets) -> Node {
        Decode::encode(self, secrets)
    }
}

/// What a component may know of its surroundings when it is built. Building opens nothing.
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// Its id as the user wrote it.
    pub id: ComponentId,
    /// Where it counts.
    pub telemetry: Telemetry,
    /// What runs beside the pipelines; an extension sees those before it.
    pub extensions: Extensions,
    /// The signal of the pipeline that a processor stands in; other components have none.
    pub signal: Option<Signal>,
}

impl BuildContext {
    /// Surroundings without extensions.
    pub fn new(id: ComponentId, telemetry: Telemetry) -> Self {
        Self { id, telemetry, extensions: Extensions::default(), signal: None }
    }

    /// The same in a pipeline of this signal.
    pub fn in_pipeline(self, signal: Signal) -> Self {
        Self { signal: Some(signal), ..self }
    }

    /// The extension of this id that checks the clients of a server.
    ///
    /// # Errors
    /// There is none.
    pub fn authenticator(&self, id: &str) -> Result<Arc<dyn Authenticator>, BuildError> {
        self.offered(id, |extension| extension.authenticator(), "check clients")
    }

    /// The extension of this id that says who a client is.
    ///
    /// # Errors
    /// There is none.
    pub fn credentials(&self, id: &str) -> Result<Arc<dyn Credentials>, BuildError> {
        self.offered(id, |extension| extension.credentials(), "say who a client is")
    }

    fn offered<T>(
        &self,
        id: &str,
        offer: impl FnOnce(Arc<dyn Extension>) -> Option<T>,
        what: &str,
    ) -> Result<T, BuildError> {
        let wrong = |why: String| BuildError::of(self, format!("auth::authenticator: {why}"));
        let id: ComponentId = id.parse().map_err(wrong)?;
        let found = self.extensions.get(&id).map_err(wrong)?.clone();
        offer(found).ok_or_else(|| wrong(format!("extension {id} does not {what}")))
    }
}

/// Settings that can become a receiver.
pub trait ReceiverConfig: Configured {
    /// Builds the receiver; ports, files and programs are opened by its start.
    ///
    /// # Errors
    /// What only building can find out.
    fn build(&self, cx: BuildContext) -> Result<Box<dyn Receiver>, BuildError>;
}

/// Settings that can become a processor.
pub trait ProcessorConfig: Configured {
    /// Builds the processor; called once per pipeline.
    ///
    /// # Errors
    /// What only building can find out.
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError>;
}

/// Settings that can become an exporter.
pub trait ExporterConfig: Configured {
    /// Builds the exporter; one per id, for all signals.
    ///
    /// # Errors
    /// What only building can find out.
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Exporter>, BuildError>;

    /// Whether and how batches are queued, retried and given a time limit in front of it. Exporters that reach a
    /// network have all three; the others answer at once, or wait as long as their disk does.
    fn delivery(&self) -> Delivery {
        Delivery::default()
    }
}

/// Where telemetry comes in.
#[async_trait]
pub trait Receiver: Send {
    /// Opens what it needs and spawns its tasks. Each task ends soon after its [`crate::Stop`] is requested, having
    /// handed over what it holds.
    ///
    /// # Errors
    /// What could not be opened; ends the start of the whole service.
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError>;
}

/// What happens on the way.
pub enum Processor {
    /// Looks at a batch and is done: nearly all.
    Transform(Arc<dyn Transform>),
    /// Holds data or waits: stands around the next edge.
    Wrap(Wrap),
}

/// Stands a processor around an edge; its tasks, if any, drain after the receivers have stopped.
pub type Wrap = Box<dyn FnOnce(Next, &mut Tasks) -> Next + Send>;

/// A processor that neither waits nor holds.
#[async_trait]
pub trait Transform: Send + Sync {
    /// Starts what it needs beside the batches, e.g. a watch. Runs before any receiver starts; its tasks end after the
    /// receivers have stopped.
    ///
    /// # Errors
    /// What it cannot do without; ends the start of the whole service.
    async fn start(&self, _tasks: &mut Tasks) -> Result<(), StartError> {
        Ok(())
    }

    /// Changes, drops or refuses a batch. What it drops, it counts itself, by reason.
    fn apply(&self, batch: Batch) -> Verdict;
}

/// What a [`Transform`] says.
#[derive(Debug)]
pub enum Verdict {
    /// Goes on.
    Pass(Batch),
    /// Goes on after a time; the sender waits.
    PassLater(Batch, std::time::Duration),
    /// Nothing is left; the sender is answered `Ok`.
    Empty,
    /// Goes back.
    Reject(Rejected),
}

/// Where telemetry goes out.
#[async_trait]
pub trait Exporter: Send + Sync {
    /// Opens files and ports. Runs before any receiver starts.
    ///
    /// # Errors
    /// What could not be opened; ends the start of the whole service.
    async fn start(&self, _tasks: &mut Tasks) -> Result<(), StartError> {
        Ok(())
    }

    /// Delivers one batch.
    ///
    /// # Errors
    /// What was not delivered and whether to try again.
    async fn send(&self, batch: Batch) -> Result<(), Rejected>;

    /// Writes out what is held. Runs after the last batch.
    async fn shutdown(&self) {}
}

impl<C: ?Sized> Factory<C> {
    /// Whether `kind` is this component's name or old name.
    pub fn answers_to(&self, kind: &str) -> bool {
        self.name == kind || self.alias == Some(kind)
    }
}

/// Reads settings of type `T` from `node`, with its defaults.
pub fn decode<T: Decode + Default>(node: &Node, decoder: &mut Decoder) -> T {
    T::decode(node, T::default(), decoder)
}
