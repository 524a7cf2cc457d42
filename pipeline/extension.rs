//! What runs beside the pipelines: the contract of extensions, and how other components find them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use config::{ComponentId, nearest};
use indexmap::IndexMap;
use tokio::sync::watch;

use crate::authenticator::Authenticator;
use crate::component::{BuildContext, Configured, Factory};
use crate::credentials::Credentials;
use crate::storage::Storages;
use crate::{BuildError, Health, StartError, Tasks};

/// A row of the extensions' table. Its `signals` are empty: no telemetry flows through an extension.
pub type ExtensionFactory = Factory<dyn ExtensionConfig>;

/// Settings that can become an extension.
pub trait ExtensionConfig: Configured {
    /// Builds the extension; ports and files are opened by its start.
    ///
    /// # Errors
    /// What only building can find out.
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Extension>, BuildError>;
}

/// What runs beside the pipelines: starts before every other component and stops after the last.
///
/// An extension that offers something to other components does so by one more method here, with a default that offers
/// nothing; the others ask [`Extensions::get`] when they are built and hold on to what they got.
#[async_trait]
pub trait Extension: Send + Sync {
    /// Opens what it needs and spawns its tasks. `health` tells from now on when the pipelines are ready, when the
    /// stop begins and what has stopped working.
    ///
    /// # Errors
    /// What could not be opened; ends the start of the whole service.
    async fn start(&self, health: watch::Receiver<Health>, tasks: &mut Tasks) -> Result<(), StartError>;

    /// Writes out what is held. Runs after the last exporter has stopped.
    async fn shutdown(&self) {}

    /// Where others keep what must outlive this process, if that is what it offers.
    fn storages(self: Arc<Self>) -> Option<Arc<dyn Storages>> {
        None
    }

    /// Who checks the clients of servers, if that is what it offers.
    fn authenticator(self: Arc<Self>) -> Option<Arc<dyn Authenticator>> {
        None
    }

    /// What clients say of themselves, if that is what it offers.
    fn credentials(self: Arc<Self>) -> Option<Arc<dyn Credentials>> {
        None
    }
}

/// The extensions of a service by id, in the order of `service::extensions`. Cheap to clone.
#[derive(Clone, Default)]
pub struct Extensions {
    all: Arc<IndexMap<ComponentId, Arc<dyn Extension>>>,
    /// Those that the component was given: when one is replaced, so is the component.
    asked: Arc<Mutex<BTreeSet<ComponentId>>>,
}

impl Extensions {
    /// The extension that a component's settings name.
    ///
    /// # Errors
    /// When `service::extensions` does not have it, with the nearest one that is there.
    pub fn get(&self, id: &ComponentId) -> Result<&Arc<dyn Extension>, String> {
        let found = self.all.get(id);
        if found.is_some() {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        }
        found.ok_or_else(|| {
            let known: Vec<_> = self.all.keys().map(ComponentId::to_string).collect();
            let near = nearest(&id.to_string(), known.iter().map(String::as_str));
            let hint = near.map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
            format!("extension \"{id}\" is not in service::extensions{hint}")
        })
    }

    /// Whether it is among them.
    pub(crate) fn has(&self, id: &ComponentId) -> bool {
        self.all.contains_key(id)
    }

    /// The same for one component, to know what it asks for.
    pub(crate) fn for_one_component(&self) -> Self {
        Self { all: self.all.clone(), asked: Arc::default() }
    }

    /// Whether `holds` is true of all that were asked for.
    pub(crate) fn all_asked(&self, holds: impl FnMut(&ComponentId) -> bool) -> bool {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).iter().all(holds)
    }

    /// The same with one more, for those that are built after it.
    pub(crate) fn with(&self, id: ComponentId, extension: Arc<dyn Extension>) -> Self {
        let mut all = (*self.all).clone();
        all.insert(id, extension);
        Self { all: Arc::new(all), asked: Arc::default() }
    }
}

impl std::fmt::Debug for Extensions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.all.keys().map(ComponentId::to_string)).finish()
    }
}
