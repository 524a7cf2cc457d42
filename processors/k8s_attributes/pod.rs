//! A pod as the processor keeps it: the attributes it gives, and what else it can be found by.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::api::{Kind, Pod};
use super::containers::Containers;
use super::extraction::{Attributes, Extraction};
use super::names::*;
use super::settings::From;

/// A pod with this annotation set to `true` is left alone.
const IGNORE: &str = "opentelemetry.io/k8s-processor/ignore";
/// A static pod's uid as kubelet knows it, and as cgroup paths have it; the API server gives its mirror another one.
const STATIC_POD_UID: &str = "kubernetes.io/config.hash";
/// The end of a ReplicaSet's name if a deployment made it.
const TEMPLATE_HASH: &str = "pod-template-hash";
/// A CronJob's jobs are named by the minute they are due, and their pods start within a day of it.
const CRONJOB_SKEW_MINUTES: i64 = 24 * 60;

/// What is kept of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub uid: String,
    pub static_uid: Option<String>,
    pub name: String,
    pub namespace: String,
    pub node: String,
    pub address: String,
    pub host_network: bool,
    /// RFC 3339; later pods take over what they share with earlier ones, e.g. an address.
    pub started: Option<String>,
    /// Whether the pod is to be left alone.
    pub ignored: bool,
    pub attributes: Attributes,
    pub owners: Vec<Owner>,
    pub containers: Containers,
}

/// Who made the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub kind: Kind,
    pub name: String,
    pub uid: String,
    /// The name of the deployment or CronJob behind it, as far as its own name tells.
    pub guessed: Option<String>,
}

impl Known {
    /// Keeps what the extraction asks for.
    pub fn new(pod: &Pod, extraction: &Extraction) -> Self {
        let metadata = &pod.metadata;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let annotation = |key: &str| metadata.annotations.as_ref().and_then(|all| all.get(key));
        let name = text(&metadata.name);
        let told = annotation(IGNORE).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let ignored = told || extraction.excludes(&name);
        let mut known = Self {
            uid: text(&metadata.uid),
            static_uid: annotation(STATIC_POD_UID).cloned(),
            namespace: text(&metadata.namespace),
            node: pod.spec.node_name.clone(),
            address: pod.status.pod_ip.clone(),
            host_network: pod.spec.host_network,
            started: pod.status.start_time.clone(),
            ignored,
            name,
            ..Self::default()
        };
        if !ignored {
            known.owners = owners(pod);
            known.containers = Containers::of(pod, extraction);
            known.attributes = known.extract(pod, extraction);
        }
        known
    }

    fn extract(&self, pod: &Pod, extraction: &Extraction) -> Attributes {
        let mut out = Attributes::default();
        let metadata = &pod.metadata;
        let created = metadata.creation_timestamp.as_ref().map(|time| time.0.to_string());
        for (name, value) in [
            (POD_NAME, Some(&self.name)),
            (POD_HOSTNAME, Some(&pod.spec.hostname)),
            (POD_IP, Some(&self.address)),
            (NAMESPACE_NAME, Some(&self.namespace)),
            (SERVICE_NAMESPACE, Some(&self.namespace)),
            // The Collector's rule, though its name says otherwise.
            (POD_START_TIME, created.as_ref()),
            (POD_UID, Some(&self.uid)),
            (NODE_NAME, Some(&self.node)),
        ] {
            if let Some(value) = value.filter(|_| extraction.wants(name)) {
                out.set(name, value);
            }
        }
        self.owners.iter().for_each(|owner| owner.extract(extraction, &mut out));
        extraction.labels(From::Pod, &metadata.labels, &mut out);
        let label = |key: &str| metadata.labels.as_ref().and_then(|labels| labels.get(key));
        let well_known = [
            (SERVICE_NAME, "app.kubernetes.io/name"),
            (SERVICE_NAME, "app.kubernetes.io/instance"),
            (SERVICE_VERSION, "app.kubernetes.io/version"),
        ];
        for (name, value) in well_known.into_iter().filter_map(|(name, key)| Some((name, label(key)?))) {
            if extraction.wants(name) {
                out.set(name, value);
            }
        }
        extraction.annotations(From::Pod, &metadata.annotations, &mut out);
        out
    }

    /// The owner of a kind, if it has one.
    pub fn owner(&self, kind: Kind) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.kind == kind)
    }
}

impl Owner {
    /// Its own name and uid; what is behind it is only known when a resource asks.
    fn extract(&self, extraction: &Extraction, out: &mut Attributes) {
        let (name, uid) = match self.kind {
            Kind::ReplicaSet => (REPLICASET_NAME, REPLICASET_UID),
            Kind::DaemonSet => (DAEMONSET_NAME, DAEMONSET_UID),
            Kind::StatefulSet => (STATEFULSET_NAME, STATEFULSET_UID),
            Kind::Job => (JOB_NAME, JOB_UID),
            _ => return,
        };
        for (name, value) in [(name, &self.name), (uid, &self.uid)] {
            if extraction.wants(name) {
                out.set(name, value);
            }
        }
    }
}

fn owners(pod: &Pod) -> Vec<Owner> {
    let one = |reference: &OwnerReference| {
        let (kind, guessed) = match reference.kind.as_str() {
            "ReplicaSet" => (Kind::ReplicaSet, deployment_of(&reference.name, pod)),
            "Job" => (Kind::Job, cronjob_of(&reference.name, pod)),
            "DaemonSet" => (Kind::DaemonSet, None),
            "StatefulSet" => (Kind::StatefulSet, None),
            _ => return None,
        };
        Some(Owner { kind, name: reference.name.clone(), uid: reference.uid.clone(), guessed })
    };
    pod.metadata.owner_references.iter().flatten().filter_map(one).collect()
}

/// `web-5d4b8c` with the template hash `5d4b8c` is of the deployment `web`.
fn deployment_of(replica_set: &str, pod: &Pod) -> Option<String> {
    let hash = pod.metadata.labels.as_ref()?.get(TEMPLATE_HASH).filter(|hash| !hash.is_empty())?;
    Some(replica_set.strip_suffix(hash.as_str())?.strip_suffix('-')?.to_owned())
}

/// `backup-29384756`, made about so many minutes after 1970, is of the CronJob `backup`.
fn cronjob_of(job: &str, pod: &Pod) -> Option<String> {
    let (name, minutes) = job.rsplit_once('-')?;
    if minutes.len() != 8 || !minutes.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let due: i64 = minutes.parse().ok()?;
    let created = pod.metadata.creation_timestamp.as_ref()?.0.as_second() / 60;
    ((created - due).abs() <= CRONJOB_SKEW_MINUTES).then(|| name.to_owned())
}
