//! Attribute names, as the semantic conventions and the Collector have them.

pub const CONTAINER_ID: &str = "container.id";
pub const CONTAINER_IMAGE_NAME: &str = "container.image.name";
pub const CONTAINER_IMAGE_REPO_DIGESTS: &str = "container.image.repo_digests";
pub const CONTAINER_IMAGE_TAG: &str = "container.image.tag";
pub const CONTAINER_IMAGE_TAGS: &str = "container.image.tags";
pub const HOST_NAME: &str = "host.name";
pub const CLUSTER_UID: &str = "k8s.cluster.uid";
pub const CONTAINER_NAME: &str = "k8s.container.name";
pub const CONTAINER_RESTART_COUNT: &str = "k8s.container.restart_count";
pub const CRONJOB_NAME: &str = "k8s.cronjob.name";
pub const CRONJOB_UID: &str = "k8s.cronjob.uid";
pub const DAEMONSET_NAME: &str = "k8s.daemonset.name";
pub const DAEMONSET_UID: &str = "k8s.daemonset.uid";
pub const DEPLOYMENT_NAME: &str = "k8s.deployment.name";
pub const DEPLOYMENT_UID: &str = "k8s.deployment.uid";
pub const JOB_NAME: &str = "k8s.job.name";
pub const JOB_UID: &str = "k8s.job.uid";
pub const NAMESPACE_NAME: &str = "k8s.namespace.name";
pub const NODE_NAME: &str = "k8s.node.name";
pub const NODE_UID: &str = "k8s.node.uid";
pub const POD_HOSTNAME: &str = "k8s.pod.hostname";
pub const POD_IP: &str = "k8s.pod.ip";
pub const POD_NAME: &str = "k8s.pod.name";
pub const POD_START_TIME: &str = "k8s.pod.start_time";
pub const POD_UID: &str = "k8s.pod.uid";
pub const REPLICASET_NAME: &str = "k8s.replicaset.name";
pub const REPLICASET_UID: &str = "k8s.replicaset.uid";
pub const STATEFULSET_NAME: &str = "k8s.statefulset.name";
pub const STATEFULSET_UID: &str = "k8s.statefulset.uid";
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
pub const SERVICE_NAME: &str = "service.name";
pub const SERVICE_NAMESPACE: &str = "service.namespace";
pub const SERVICE_VERSION: &str = "service.version";

/// What `extract.metadata` may name.
pub const METADATA: &[&str] = &[
    CONTAINER_ID,
    CONTAINER_IMAGE_NAME,
    CONTAINER_IMAGE_REPO_DIGESTS,
    CONTAINER_IMAGE_TAG,
    CONTAINER_IMAGE_TAGS,
    CLUSTER_UID,
    CONTAINER_NAME,
    CRONJOB_NAME,
    CRONJOB_UID,
    DAEMONSET_NAME,
    DAEMONSET_UID,
    DEPLOYMENT_NAME,
    DEPLOYMENT_UID,
    JOB_NAME,
    JOB_UID,
    NAMESPACE_NAME,
    NODE_NAME,
    NODE_UID,
    POD_HOSTNAME,
    POD_IP,
    POD_NAME,
    POD_START_TIME,
    POD_UID,
    REPLICASET_NAME,
    REPLICASET_UID,
    STATEFULSET_NAME,
    STATEFULSET_UID,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    SERVICE_VERSION,
];

/// What is extracted when `extract.metadata` is not set.
pub const DEFAULT_METADATA: &[&str] = &[
    CONTAINER_IMAGE_NAME,
    CONTAINER_IMAGE_TAG,
    DEPLOYMENT_NAME,
    NAMESPACE_NAME,
    NODE_NAME,
    POD_NAME,
    POD_START_TIME,
    POD_UID,
];
