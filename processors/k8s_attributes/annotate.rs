//! Puts what is known of a pod on a resource.

use pipeline::Origin;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, ArrayValue, KeyValue};

use super::api::Kind;
use super::association::text;
use super::containers::Container;
use super::directory::{Directory, Object};
use super::extraction::Extraction;
use super::names::*;
use super::pod::{Known, Owner};

/// The namespace whose uid stands for the cluster.
pub const CLUSTER_NAMESPACE: &str = "kube-system";

/// How the pod of a resource was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Whether it was found.
    pub found: bool,
    /// What it was looked for by, without values.
    pub by: String,
}

/// Puts the sender's address on a resource, if that is what identifies its pod.
pub fn pass_through(directory: &Directory, attributes: &mut Vec<KeyValue>, origin: &Origin) {
    let identifiers = directory.associations.of_resource(attributes, origin);
    if let Some(address) = identifiers.first().and_then(|first| first.connection()) {
        set(attributes, POD_IP, address);
    }
}

/// Puts everything known on a resource. What it already has is left as it is.
pub fn annotate(directory: &Directory, attributes: &mut Vec<KeyValue>, origin: &Origin) -> Association {
    let extraction = &directory.extraction;
    let identifiers = directory.associations.of_resource(attributes, origin);
    if extraction.wants(POD_IP)
        && let Some(address) = identifiers.first().and_then(|first| first.connection())
    {
        set(attributes, POD_IP, address);
    }
    let pod = directory.find(&identifiers).map(|pod| &**pod);
    if let Some(pod) = pod {
        of_pod(directory, pod, attributes);
    }
    of_surroundings(directory, pod, attributes);
    let by = identifiers.first().map_or_else(String::new, |first| first.places());
    Association { found: pod.is_some(), by }
}

fn of_pod(directory: &Directory, pod: &Known, attributes: &mut Vec<KeyValue>) {
    let extraction = &directory.extraction;
    pod.attributes.iter().for_each(|(name, value)| set(attributes, name, value));
    pod.owners.iter().for_each(|owner| behind(directory, owner, attributes));
    if extraction.wants(SERVICE_NAME) {
        let owner = pod.owners.last();
        let maker = owner.and_then(|owner| maker(directory, owner)).or(owner.map(|owner| owner.name.as_str()));
        set(attributes, SERVICE_NAME, maker.unwrap_or(&pod.name));
    }
    if extraction.wants(CLUSTER_UID)
        && let Some(cluster) = directory.object(Kind::Namespace, CLUSTER_NAMESPACE)
    {
        set(attributes, CLUSTER_UID, &cluster.uid);
    }
    if extraction.wants_containers() {
        let found = pod.containers.find(text(attributes, CONTAINER_NAME), text(attributes, CONTAINER_ID));
        found.into_iter().for_each(|container| of_container(container, attributes));
    }
}

/// The name of the deployment or CronJob behind an owner: what the API server says, or else what the name tells.
fn maker<'a>(directory: &'a Directory, owner: &'a Owner) -> Option<&'a str> {
    match directory.object(owner.kind, &owner.uid) {
        Some(object) => object.controller.as_ref().map(|(name, _)| name.as_str()),
        None => owner.guessed.as_deref(),
    }
}

fn behind(directory: &Directory, owner: &Owner, attributes: &mut Vec<KeyValue>) {
    let (name, uid) = match owner.kind {
        Kind::ReplicaSet => (DEPLOYMENT_NAME, DEPLOYMENT_UID),
        Kind::Job => (CRONJOB_NAME, CRONJOB_UID),
        _ => return,
    };
    let extraction: &Extraction = &directory.extraction;
    if extraction.wants(name)
        && let Some(maker) = maker(directory, owner)
    {
        set(attributes, name, maker);
    }
    if extraction.wants(uid)
        && let Some((_, maker)) = controller(directory, owner)
    {
        set(attributes, uid, maker);
    }
}

fn controller<'a>(directory: &'a Directory, owner: &Owner) -> Option<&'a (String, String)> {
    directory.object(owner.kind, &owner.uid)?.controller.as_ref()
}

/// What namespace, node and workload add. A resource that names one of them itself needs no pod for it.
fn of_surroundings(directory: &Directory, pod: Option<&Known>, attributes: &mut Vec<KeyValue>) {
    let of_pod = |value: fn(&Known) -> &String| pod.map(value).filter(|value| !value.is_empty()).cloned();
    let own = |attributes: &[KeyValue], name: &str| text(attributes, name).map(str::to_owned);
    if let Some(namespace) = of_pod(|pod| &pod.namespace).or_else(|| own(attributes, NAMESPACE_NAME)) {
        directory.object(Kind::Namespace, &namespace).into_iter().for_each(|object| of_object(object, attributes));
        if directory.extraction.wants(SERVICE_NAMESPACE) {
            set(attributes, SERVICE_NAMESPACE, &namespace);
        }
    }
    if let Some(node) = of_pod(|pod| &pod.node).or_else(|| own(attributes, NODE_NAME))
        && let Some(object) = directory.object(Kind::Node, &node)
    {
        of_object(object, attributes);
        set(attributes, NODE_UID, &object.uid);
    }
    let deployment = || controller(directory, pod?.owner(Kind::ReplicaSet)?).map(|(_, uid)| uid.clone());
    let owner = |kind| pod.and_then(|pod| pod.owner(kind)).map(|owner| owner.uid.clone());
    for (kind, name, uid) in [
        (Kind::Deployment, DEPLOYMENT_UID, deployment()),
        (Kind::StatefulSet, STATEFULSET_UID, owner(Kind::StatefulSet)),
        (Kind::DaemonSet, DAEMONSET_UID, owner(Kind::DaemonSet)),
        (Kind::Job, JOB_UID, owner(Kind::Job)),
    ] {
        let uid = uid.or_else(|| own(attributes, name));
        let object = uid.and_then(|uid| directory.object(kind, &uid));
        object.into_iter().for_each(|object| of_object(object, attributes));
    }
}

fn of_object(object: &Object, attributes: &mut Vec<KeyValue>) {
    object.attributes.iter().for_each(|(name, value)| set(attributes, name, value));
}

fn of_container(container: &Container, attributes: &mut Vec<KeyValue>) {
    for (name, value) in [
        (CONTAINER_NAME, &container.name),
        (CONTAINER_IMAGE_NAME, &container.image_name),
        (CONTAINER_IMAGE_TAG, &container.image_tag),
        (SERVICE_INSTANCE_ID, &container.instance),
        (SERVICE_VERSION, &container.version),
    ] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            set(attributes, name, value);
        }
    }
    let run = match attributes.iter().find(|attribute| attribute.key == CONTAINER_RESTART_COUNT) {
        Some(count) => number(count).and_then(|count| container.runs.get(&count)),
        // The last run is the one that runs now.
        None => container.runs.last_key_value().map(|(_, run)| run),
    };
    let Some(run) = run else { return };
    let has = |attributes: &[KeyValue], name: &str| attributes.iter().any(|attribute| attribute.key == name);
    if let Some(id) = run.id.as_ref().filter(|_| !has(attributes, CONTAINER_ID)) {
        set(attributes, CONTAINER_ID, id);
    }
    if let Some(digest) = run.digest.as_ref().filter(|_| !has(attributes, CONTAINER_IMAGE_REPO_DIGESTS)) {
        let list = ArrayValue { values: vec![AnyValue { value: Some(Value::StringValue(digest.clone())) }] };
        put(attributes, CONTAINER_IMAGE_REPO_DIGESTS, Value::ArrayValue(list));
    }
}

fn number(attribute: &KeyValue) -> Option<i64> {
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::IntValue(number) => Some(*number),
        Value::StringValue(text) => text.parse().ok(),
        _ => None,
    }
}

/// Sets a text attribute that is missing or empty.
fn set(attributes: &mut Vec<KeyValue>, name: &str, value: &str) {
    let value = Value::StringValue(value.to_owned());
    match attributes.iter_mut().find(|attribute| attribute.key == name) {
        None => put(attributes, name, value),
        Some(attribute) if is_empty(attribute) => attribute.value = Some(AnyValue { value: Some(value) }),
        Some(_) => {}
    }
}

fn is_empty(attribute: &KeyValue) -> bool {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        None => true,
        Some(Value::StringValue(text)) => text.is_empty(),
        Some(_) => false,
    }
}

fn put(attributes: &mut Vec<KeyValue>, name: &str, value: Value) {
    let value = Some(AnyValue { value: Some(value) });
    attributes.push(KeyValue { key: name.to_owned(), value, ..KeyValue::default() });
}
