//! One processor's view of the cluster: the directory, and the watches that keep it up to date.

use std::sync::{Arc, Once, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use opentelemetry::metrics::ObservableGauge;
use pipeline::component::BuildContext;
use pipeline::proto::common::v1::KeyValue;
use pipeline::{Origin, Signal, StartError, Stop, Tasks};
use tokio::sync::{Mutex, watch};

use super::Config;
use super::access;
use super::annotate::{annotate, pass_through};
use super::api::Kind;
use super::association::Associations;
use super::counts::{Associated, Events, Sight, outages};
use super::directory::Directory;
use super::extraction::Extraction;
use super::names::*;
use super::settings::From;
use super::watch::Watch;

/// How often it is looked for pods whose grace period is over.
const EXPIRY: Duration = Duration::from_secs(10);

/// A kind, since when it is out of sight, and who waits for its first list.
type Watched = (Kind, Sight, watch::Sender<bool>);

/// The view.
pub struct Cluster {
    config: Config,
    cx: BuildContext,
    directory: Arc<RwLock<Directory>>,
    associated: Associated,
    /// The kinds that are watched, with what is told of them.
    watched: Vec<Watched>,
    /// Held by the one pipeline whose task watches.
    turn: Mutex<()>,
    /// Whether it was told that there is no cluster.
    outside: Once,
    _gauges: (ObservableGauge<f64>, ObservableGauge<u64>),
}

impl Cluster {
    /// Compiles the settings and opens nothing.
    ///
    /// # Errors
    /// The first pattern that is none.
    pub fn new(config: &Config, cx: &BuildContext) -> Result<Self, regex::Error> {
        let extraction = Extraction::new(&config.extract, &config.exclude)?;
        let kinds = if config.passthrough { vec![] } else { kinds(&extraction) };
        warn_of_idle_rules(config, cx);
        let associations = Associations::new(&config.pod_association);
        let directory = Directory::new(extraction, associations, config.pod_delete_grace_period);
        let directory = Arc::new(RwLock::new(directory));
        let watched: Vec<_> = kinds.into_iter().map(|kind| (kind, Sight::none(), watch::Sender::new(false))).collect();
        let sights = watched.iter().map(|(kind, sight, _)| (*kind, sight.clone())).collect();
        let outages = outages(&cx.telemetry, &cx.id.to_string(), sights);
        let _gauges = (outages, table_size(cx, directory.clone()));
        Ok(Self {
            config: config.clone(),
            cx: cx.clone(),
            directory,
            associated: Associated::new(cx),
            watched,
            turn: Mutex::new(()),
            outside: Once::new(),
            _gauges,
        })
    }

    /// What is known now.
    pub fn known(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what is known on a resource, and counts it.
    pub fn annotate(&self, known: &Directory, attributes: &mut Vec<KeyValue>, origin: &Origin, signal: Signal) {
        if self.config.passthrough {
            return pass_through(known, attributes, origin);
        }
        self.associated.count(&annotate(known, attributes, origin), signal);
    }

    /// Watches for as long as some pipeline needs it: each pipeline's task waits for its turn, and the next one goes on
    /// when the pipeline of the first is gone. Waits for the first complete lists if that is asked for.
    ///
    /// # Errors
    /// The time to wait was over before everything was listed.
    pub async fn start(self: Arc<Self>, tasks: &mut Tasks) -> Result<(), StartError> {
        if self.config.passthrough {
            return Ok(());
        }
        let stop = tasks.stop();
        tasks.spawn(format!("{}: watch", self.cx.id), self.clone().keep_watch(stop));
        if !self.config.wait_for_metadata {
            return Ok(());
        }
        if let Some(reason) = access::never(&self.config) {
            return Err(StartError(format!("wait_for_metadata: {reason}")));
        }
        let limit = self.config.wait_for_metadata_timeout;
        let all = async {
            for (_, _, listed) in &self.watched {
                // The sender is ours, so it cannot be gone.
                let _ = listed.subscribe().wait_for(|listed| *listed).await;
            }
        };
        let late = |_| StartError(format!("Kubernetes' metadata was not complete in {limit:?} (wait_for_metadata)"));
        tokio::time::timeout(limit, all).await.map_err(late)
    }

    async fn keep_watch(self: Arc<Self>, mut stop: Stop) {
        let watch = async {
            let _turn = self.turn.lock().await;
            if let Some(reason) = access::never(&self.config) {
                self.outside.call_once(|| {
                    tracing::info!(processor = %self.cx.id, %reason, "There is no Kubernetes here; nothing is added of it.");
                });
                return std::future::pending().await;
            }
            let watches: Vec<_> = self.watched.iter().map(|watched| self.watch(watched)).collect();
            join(join_all(watches.iter().map(Watch::keep_on)), expire(&self.directory)).await
        };
        tokio::select! {
            () = stop.requested() => {}
            _ = watch => {}
        }
    }

    fn watch(&self, (kind, sight, listed): &Watched) -> Watch {
        Watch {
            processor: self.cx.id.to_string(),
            kind: *kind,
            config: self.config.clone(),
            directory: self.directory.clone(),
            events: Events::new(&self.cx, *kind),
            sight: sight.clone(),
            listed: listed.clone(),
        }
    }
}

fn warn_of_idle_rules(config: &Config, cx: &BuildContext) {
    for field in config.extract.labels.iter().chain(&config.extract.annotations) {
        if field.key.is_empty() && field.key_regex.is_empty() {
            let (processor, tag_name) = (cx.id.to_string(), field.tag_name.as_str());
            tracing::warn!(processor, tag_name, "a rule without key and key_regex extracts nothing");
        }
    }
}

/// The kinds whose objects are needed.
pub fn kinds(extraction: &Extraction) -> Vec<Kind> {
    let needs = |kind: Kind| match kind {
        Kind::Pod => true,
        Kind::ReplicaSet => {
            extraction.wants(DEPLOYMENT_UID)
                || (extraction.wants(DEPLOYMENT_NAME) && !extraction.name_from_replica_set)
                || extraction.reads(From::Deployment)
        }
        Kind::Namespace => extraction.wants(CLUSTER_UID) || extraction.reads(From::Namespace),
        Kind::Node => extraction.wants(NODE_UID) || extraction.reads(From::Node),
        Kind::Deployment => extraction.reads(From::Deployment),
        Kind::StatefulSet => extraction.reads(From::StatefulSet),
        Kind::DaemonSet => extraction.reads(From::DaemonSet),
        Kind::Job => extraction.wants(CRONJOB_UID) || extraction.reads(From::Job),
    };
    Kind::ALL.into_iter().filter(|kind| needs(*kind)).collect()
}

fn table_size(cx: &BuildContext, directory: Arc<RwLock<Directory>>) -> ObservableGauge<u64> {
    let labels = [opentelemetry::KeyValue::new("processor", cx.id.to_string())];
    cx.telemetry
        .meter()
        .u64_observable_gauge("otelcol_otelsvc_k8s_pod_table_size")
        .with_description("Size of table containing pod info")
        .with_callback(move |gauge| {
            let ways = directory.read().unwrap_or_else(PoisonError::into_inner).len();
            gauge.observe(ways as u64, &labels);
        })
        .build()
}

async fn expire(directory: &RwLock<Directory>) {
    loop {
        tokio::time::sleep(EXPIRY).await;
        directory.write().unwrap_or_else(PoisonError::into_inner).expire(Instant::now());
    }
}
