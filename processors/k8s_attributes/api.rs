//! What is read of the API server's objects, and nothing more.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{ApiResource, DynamicObject, DynamicResourceScope, GroupVersionKind, PartialObjectMeta};
use serde::{Deserialize, Deserializer};

/// An object of which only the metadata is asked for.
pub type Metadata = PartialObjectMeta<DynamicObject>;

/// The kinds of objects that may be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Pods, on which everything else hangs.
    Pod,
    /// The link between a pod and its deployment.
    ReplicaSet,
    /// For labels and annotations, and for the uid of `kube-system`, which is the cluster's.
    Namespace,
    /// For labels, annotations and uid.
    Node,
    /// For labels and annotations.
    Deployment,
    /// For labels and annotations.
    StatefulSet,
    /// For labels and annotations.
    DaemonSet,
    /// For labels and annotations, and for the link to a CronJob.
    Job,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Pod,
        Self::ReplicaSet,
        Self::Namespace,
        Self::Node,
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
    ];

    /// Kind in Kubernetes' spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::ReplicaSet => "ReplicaSet",
            Self::Namespace => "Namespace",
            Self::Node => "Node",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
        }
    }

    /// Whether its objects live in namespaces.
    pub fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::Node)
    }

    /// Whether a pod refers to it by name; the others are referred to by uid.
    pub fn is_known_by_name(self) -> bool {
        !self.is_namespaced()
    }

    /// Where the API server has it.
    pub fn resource(self) -> ApiResource {
        let group = match self {
            Self::Pod | Self::Namespace | Self::Node => "",
            Self::ReplicaSet | Self::Deployment | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::Job => "batch",
        };
        let plural = format!("{}s", self.name().to_lowercase());
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", self.name()), &plural)
    }
}

/// A pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    pub metadata: ObjectMeta,
    pub spec: Spec,
    pub status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    pub node_name: String,
    pub hostname: String,
    pub host_network: bool,
    #[serde(deserialize_with = "or_empty")]
    pub containers: Vec<ContainerSpec>,
    #[serde(deserialize_with = "or_empty")]
    pub init_containers: Vec<ContainerSpec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerSpec {
    pub name: String,
    pub image: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(rename = "podIP")]
    pub pod_ip: String,
    /// RFC 3339 in UTC with whole seconds, so that texts compare as times do.
    pub start_time: Option<String>,
    #[serde(deserialize_with = "or_empty")]
    pub container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_empty")]
    pub init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_empty")]
    pub ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    pub name: String,
    #[serde(rename = "containerID")]
    pub container_id: String,
    #[serde(rename = "imageID")]
    pub image_id: String,
    pub restart_count: i64,
    pub last_state: LastState,
}

/// How the run before this one ended.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LastState {
    pub terminated: Option<Terminated>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Terminated {
    #[serde(rename = "containerID")]
    pub container_id: String,
}

/// Go writes an empty list as `null` where a field is not optional.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Resource for Pod {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
