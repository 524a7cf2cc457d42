//! Follows one kind of objects: list, watch and, after any failure, a new list after a growing wait.
//!
//! Lists and watches are the plain ones, which every API server has: the newer list within a watch fails where etcd is
//! old. A list may come from the API server's cache, so that a restart of all nodes does not reach etcd. After a failure
//! the list tells what was missed, and that the API server is there again.

use std::collections::HashSet;
use std::error::Error as _;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Instant;

use futures_util::StreamExt;
use kube::api::Api;
use kube::core::{ApiResource, DynamicResourceScope};
use kube::runtime::watcher::{self, Config as Query, DefaultBackoff, Event};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use super::access::{self, AccessError};
use super::api::{Kind, Metadata, Pod};
use super::counts::{Events, Sight};
use super::directory::{Directory, Outcome};
use super::{Config, selector};

/// Why a watch ended.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{0}")]
    Access(#[from] AccessError),
    #[error("{}", reason(.0))]
    Watch(#[from] watcher::Error),
    #[error("the stream of events ended")]
    Ended,
}

/// What the API server said or, without an answer, every cause down to the system's.
fn reason(error: &watcher::Error) -> String {
    use watcher::Error::{InitialListFailed, WatchError, WatchFailed, WatchStartFailed};
    match error {
        WatchError(status) => status.message.clone(),
        InitialListFailed(kube::Error::Api(status))
        | WatchStartFailed(kube::Error::Api(status))
        | WatchFailed(kube::Error::Api(status)) => status.message.clone(),
        other => {
            let mut reason = other.to_string();
            let mut cause = other.source();
            while let Some(deeper) = cause {
                let text = deeper.to_string();
                if !reason.contains(&text) {
                    reason = format!("{reason}: {text}");
                }
                cause = deeper.source();
            }
            reason
        }
    }
}

/// An object that can be followed.
trait Object: Resource<DynamicType = ApiResource, Scope = DynamicResourceScope> + Clone + DeserializeOwned
where
    Self: std::fmt::Debug + Send + 'static,
{
    fn apply(&self, kind: Kind, directory: &mut Directory) -> Outcome;
    fn remove(&self, kind: Kind, directory: &mut Directory) -> Outcome;
}

impl Object for Pod {
    fn apply(&self, _: Kind, directory: &mut Directory) -> Outcome {
        directory.apply_pod(self, Instant::now())
    }

    fn remove(&self, _: Kind, directory: &mut Directory) -> Outcome {
        directory.remove_pod(self.metadata.uid.as_deref().unwrap_or_default(), Instant::now())
    }
}

impl Object for Metadata {
    fn apply(&self, kind: Kind, directory: &mut Directory) -> Outcome {
        directory.apply_object(kind, &self.metadata)
    }

    fn remove(&self, kind: Kind, directory: &mut Directory) -> Outcome {
        directory.remove_object(kind, &self.metadata)
    }
}

/// The watch of one kind.
pub struct Watch {
    pub processor: String,
    pub kind: Kind,
    pub config: Config,
    pub directory: Arc<RwLock<Directory>>,
    pub events: Events,
    pub sight: Sight,
    /// Told when the first list is complete.
    pub listed: tokio::sync::watch::Sender<bool>,
}

impl Watch {
    /// Watches, and tries again whatever happens; returns never.
    pub async fn keep_on(&self) {
        let (mut waits, mut told) = (DefaultBackoff::default(), String::new());
        loop {
            let broken = match self.kind {
                Kind::Pod => self.session::<Pod>().await,
                _ => self.session::<Metadata>().await,
            };
            if self.sight.is_clear() {
                (waits, told) = (DefaultBackoff::default(), String::new());
                self.sight.lose();
            }
            let reason = broken.to_string();
            if reason != told {
                let (processor, kind) = (&self.processor, self.kind.name());
                tracing::warn!(
                    processor,
                    kind,
                    reason,
                    "Kubernetes is out of sight; what is known of it is still used."
                );
                told = reason;
            }
            tokio::time::sleep(waits.next().unwrap_or_default()).await;
        }
    }

    /// Lists and watches until something breaks.
    async fn session<K: Object>(&self) -> Broken {
        let client = match access::client(&self.config).await {
            Ok(client) => client,
            Err(error) => return error.into(),
        };
        let mut events = pin!(watcher::watcher(self.api::<K>(client), self.query()));
        let mut listing = HashSet::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.take(event, &mut listing),
                Err(error) => return error.into(),
            }
        }
        Broken::Ended
    }

    fn take<K: Object>(&self, event: Event<K>, listing: &mut HashSet<String>) {
        let mut directory = self.write();
        match event {
            Event::Init => listing.clear(),
            Event::InitApply(object) => {
                listing.extend(object.meta().uid.clone());
                self.events.count(object.apply(self.kind, &mut directory));
            }
            Event::InitDone => {
                self.events.count_gone(directory.retain(self.kind, listing, Instant::now()));
                listing.clear();
                listing.shrink_to_fit();
                self.in_sight();
            }
            Event::Apply(object) => self.events.count(object.apply(self.kind, &mut directory)),
            Event::Delete(object) => self.events.count(object.remove(self.kind, &mut directory)),
        }
    }

    fn in_sight(&self) {
        if let Some(seconds) = self.sight.gain() {
            let (processor, kind) = (&self.processor, self.kind.name());
            tracing::info!(processor, kind, after_seconds = seconds, "Kubernetes is in sight.");
        }
        self.listed.send_replace(true);
    }

    fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn api<K: Object>(&self, client: Client) -> Api<K> {
        let (resource, namespace) = (self.kind.resource(), &self.config.filter.namespace);
        if namespace.is_empty() || !self.kind.is_namespaced() {
            return Api::all_with(client, &resource);
        }
        Api::namespaced_with(client, namespace, &resource)
    }

    fn query(&self) -> Query {
        let filter = &self.config.filter;
        let reads_namespaces = || self.config.reads_namespaces();
        let (labels, fields) = match self.kind {
            Kind::Pod => (selector::labels(filter), selector::fields(filter)),
            Kind::Node => (None, filter.node().map(|node| selector::named(&node))),
            Kind::Namespace if !reads_namespaces() => (None, Some(selector::named(super::annotate::CLUSTER_NAMESPACE))),
            _ => (None, None),
        };
        let query = Query { label_selector: labels, field_selector: fields, ..Query::default() };
        query.any_semantic()
    }
}
