//! Says which pod, container, workload and node a resource belongs to, by asking Kubernetes' API server.
//!
//! ```yaml
//! k8s_attributes:
//!   auth_type: serviceAccount
//!   filter: {node_from_env_var: KUBE_NODE_NAME}
//!   extract:
//!     metadata: [k8s.pod.name, k8s.namespace.name, k8s.deployment.name, k8s.node.name]
//!     labels: [{key: app.kubernetes.io/name, tag_name: app}]
//!   pod_association:
//!     - sources: [{from: resource_attribute, name: k8s.pod.uid}]
//!     - sources: [{from: resource_attribute, name: container.id}]
//! ```
//!
//! Settings, defaults and results are those of the Collector's processor, 0.155. Only resources are decoded; the items
//! below them pass as the bytes they came in, and an attribute that is there already is left as it is. Without
//! `pod_association` the Collector's ladder of addresses holds (`k8s.pod.ip`, the sender, `host.name` if it is an
//! address), and what it does not find is looked for by `k8s.pod.uid` and `container.id`, which kpulse's own telemetry
//! has.
//!
//! The API server is watched, not asked: pods of the configured node, namespace or labels, and ReplicaSets, namespaces,
//! nodes, deployments, StatefulSets, DaemonSets and jobs only if something of theirs is extracted. While it cannot be
//! reached, what is known is used; the start does not wait for it unless `wait_for_metadata` says so.
//! `kpulse_k8s_watch_outage` is how many seconds each watch has been broken. A pod that is gone can be found for
//! `pod_delete_grace_period`, and a container that was restarted can be found by its last id. At most 200,000 pods are
//! kept.

mod access;
mod annotate;
mod api;
mod association;
mod cluster;
mod containers;
mod counts;
mod directory;
mod extraction;
mod image;
mod names;
mod pod;
mod selector;
mod settings;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use config::{Decode, Decoder, Node, Rules, Secrets};
use pipeline::component::{
    BuildContext, Configured, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, Transform, Verdict,
    decode,
};
use pipeline::{Batch, BuildError, Rejected, Signal, StartError, Tasks};

use cluster::Cluster;
use settings::{Association, AuthType, Exclude, Extract, Filter};

config::settings! {
    /// Which pods are looked at, how a resource's pod is found, and what it gives.
    pub struct Config {
        /// How kpulse proves to the API server who it is: serviceAccount, kubeConfig or none.
        pub auth_type: AuthType = AuthType::ServiceAccount,
        /// The context of the kubeconfig; its current one when empty.
        pub context: String = String::new(),
        /// Requests a second to the API server; 5 when 0.
        pub kube_api_qps: f64 = 0.0,
        /// Requests at once to the API server; 10 when 0.
        pub kube_api_burst: i32 = 0,
        /// Only sets `k8s.pod.ip` to the sender's address, and does not ask the API server.
        pub passthrough: bool = false,
        /// What is put on resources.
        pub extract: Extract = Extract::default(),
        /// Which pods are watched.
        pub filter: Filter = Filter::default(),
        /// How a resource's pod is found; the first rule whose sources are all present decides.
        pub pod_association: Vec<Association> = Vec::new(),
        /// Pods that are left alone.
        pub exclude: Exclude = Exclude::default(),
        /// Whether the start waits until everything was listed once, and fails if it takes too long.
        pub wait_for_metadata: bool = false,
        /// How long the start waits.
        pub wait_for_metadata_timeout: Duration = Duration::from_secs(10),
        /// Accepted and not needed: what is known is put together when a resource asks.
        pub watch_sync_period: Duration = Duration::from_secs(300),
        /// How long a pod that is gone can still be found.
        pub pod_delete_grace_period: Duration = Duration::from_secs(120),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.kube_api_qps < 0.0 || self.kube_api_qps.is_nan() {
            decoder.at("kube_api_qps", |d| d.error("must not be negative"));
        }
        if self.kube_api_burst < 0 {
            decoder.at("kube_api_burst", |d| d.error("must not be negative"));
        }
    }
}

impl Config {
    /// Whether labels or annotations of namespaces are wanted.
    fn reads_namespaces(&self) -> bool {
        let fields = self.extract.labels.iter().chain(&self.extract.annotations);
        fields.into_iter().any(|field| field.from == settings::From::Namespace)
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "k8s_attributes",
    alias: Some("k8sattributes"),
    signals: &Signal::ALL,
    stability: Stability::Beta,
    sample: "auth_type: serviceAccount\nfilter: {node: worker-1}\nextract:\n  \
             metadata: [k8s.pod.name, k8s.namespace.name, k8s.deployment.name, k8s.node.name]\n  \
             labels: [{key: app.kubernetes.io/name, tag_name: app}]\npod_association:\n  \
             - sources: [{from: resource_attribute, name: k8s.pod.uid}]\n  \
             - sources: [{from: resource_attribute, name: container.id}]\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(Shared { config: decode(node, decoder), cluster: OnceLock::new() }),
};

/// One component id: the pipelines that name it share its watches.
struct Shared {
    config: Config,
    cluster: OnceLock<Arc<Cluster>>,
}

impl Configured for Shared {
    fn validate(&self, decoder: &mut Decoder) {
        Decode::validate(&self.config, decoder);
    }

    fn encode(&self, secrets: Secrets) -> Node {
        Decode::encode(&self.config, secrets)
    }
}

impl ProcessorConfig for Shared {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let cluster = match self.cluster.get() {
            Some(cluster) => cluster.clone(),
            None => {
                let new = Cluster::new(&self.config, &cx).map_err(|error| BuildError::of(&cx, error.to_string()))?;
                self.cluster.get_or_init(|| Arc::new(new)).clone()
            }
        };
        Ok(Processor::Transform(Arc::new(K8sAttributes(cluster))))
    }
}

struct K8sAttributes(Arc<Cluster>);

#[async_trait]
impl Transform for K8sAttributes {
    async fn start(&self, tasks: &mut Tasks) -> Result<(), StartError> {
        self.0.clone().start(tasks).await
    }

    fn apply(&self, mut batch: Batch) -> Verdict {
        let (origin, signal) = (batch.origin().clone(), batch.signal());
        let known = self.0.known();
        match batch.change_resources(|resource| self.0.annotate(&known, &mut resource.attributes, &origin, signal)) {
            Ok(()) => Verdict::Pass(batch),
            Err(undecodable) => Verdict::Reject(Rejected::permanent(undecodable.to_string())),
        }
    }
}
