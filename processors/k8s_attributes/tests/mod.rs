//! Pods and objects as the API server writes them, and the processor over them without one.

mod annotations;
mod directories;
mod identifiers;
mod images;
mod settings;

use std::time::{Duration, Instant};

use pipeline::Origin;
use pipeline::proto::common::v1::KeyValue;

use super::annotate::{Association, annotate};
use super::api::{Kind, Metadata, Pod};
use super::association::{Associations, text};
use super::directory::Directory;
use super::extraction::Extraction;
use super::{Config, decode};
use crate::tests::attribute;

pub const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
pub const GRACE: Duration = Duration::from_secs(120);

/// Settings from YAML, which has to be faultless.
pub fn config(yaml: &str) -> Config {
    let mut decoder = config::Decoder::default();
    let config: Config = decode(&config::parse(yaml, &"test".into()).unwrap(), &mut decoder);
    config::Decode::validate(&config, &mut decoder);
    assert_eq!(decoder.finish().to_string(), "");
    config
}

pub fn directory(yaml: &str) -> Directory {
    let config = config(yaml);
    let extraction = Extraction::new(&config.extract, &config.exclude).unwrap();
    Directory::new(extraction, Associations::new(&config.pod_association), GRACE)
}

/// A pod of the deployment `web`, as `kubectl get pod -o json` shows it.
pub fn pod(uid: &str, address: &str, container: &str) -> Pod {
    let text = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "web-5d4b8c-x2x1z", "namespace": "shop", "uid": uid, "creationTimestamp": "2026-11-21T10:00:00Z",
            "labels": {"app": "web", "pod-template-hash": "5d4b8c", "app.kubernetes.io/name": "webshop", "tier/x": "front"},
            "annotations": {"resource.opentelemetry.io/team": "blue", "note": "hello"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4b8c", "uid": "rs-uid", "controller": true}],
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}]
        },
        "spec": {
            "nodeName": "worker-1", "hostNetwork": false, "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "app", "image": "registry.example.com:5000/shop/web:1.2.3", "resources": {}}]
        },
        "status": {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "startTime": "2026-11-21T10:00:01Z",
            "containerStatuses": [{
                "name": "app", "containerID": format!("containerd://{container}"), "restartCount": 2, "ready": true,
                "imageID": "registry.example.com:5000/shop/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "lastState": {"terminated": {"containerID": "containerd://before", "exitCode": 137}}, "state": {"running": {}}
            }]
        }
    });
    serde_json::from_value(text).unwrap()
}

pub fn object(metadata: serde_json::Value) -> Metadata {
    serde_json::from_value(serde_json::json!({ "metadata": metadata })).unwrap()
}

pub fn replica_set() -> Metadata {
    object(serde_json::json!({
        "name": "web-5d4b8c", "namespace": "shop", "uid": "rs-uid",
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "deployment-uid", "controller": true}]
    }))
}

pub fn with_pod(yaml: &str) -> Directory {
    let mut directory = directory(yaml);
    directory.apply_pod(&pod("pod-uid", "10.1.2.3", ID), Instant::now());
    directory
}

/// What becomes of a resource with these attributes, as `name=value` in order of name.
pub fn annotated(directory: &Directory, attributes: &[(&str, &str)]) -> (Association, Vec<String>) {
    annotated_from(directory, attributes, &Origin::default())
}

pub fn annotated_from(
    directory: &Directory,
    attributes: &[(&str, &str)],
    origin: &Origin,
) -> (Association, Vec<String>) {
    let mut all: Vec<KeyValue> = attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    let association = annotate(directory, &mut all, origin);
    let show = |one: &KeyValue| format!("{}={}", one.key, text(std::slice::from_ref(one), &one.key).unwrap_or("?"));
    let mut shown: Vec<_> = all.iter().map(show).collect();
    shown.sort();
    (association, shown)
}

pub fn peer(address: &str) -> Origin {
    let address: std::net::IpAddr = address.parse().unwrap();
    Origin { peer: Some((address, 40000).into()), ..Origin::default() }
}

pub fn kinds(yaml: &str) -> Vec<Kind> {
    let config = config(yaml);
    super::cluster::kinds(&Extraction::new(&config.extract, &config.exclude).unwrap())
}
