use std::time::Instant;

use pipeline::component::*;
use pipeline::proto::LogsRequest;
use pipeline::{Batch, Signal, Telemetry};

use super::{ID, annotated, annotated_from, directory, object, peer, pod, replica_set, with_pod};
use crate::k8s_attributes::FACTORY;
use crate::k8s_attributes::api::Kind;
use crate::tests::{attribute, counted, logs};

const BY_UID: &[(&str, &str)] = &[("k8s.pod.uid", "pod-uid")];

fn all_but_uid(shown: Vec<String>) -> String {
    shown.into_iter().filter(|one| one != "k8s.pod.uid=pod-uid").collect::<Vec<_>>().join(" ")
}

#[test]
fn the_defaults_are_the_collectors() {
    let (_, shown) = annotated(&with_pod(""), BY_UID);
    let wanted = "container.image.name=registry.example.com:5000/shop/web container.image.tag=1.2.3 \
                  k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=worker-1 \
                  k8s.pod.name=web-5d4b8c-x2x1z k8s.pod.start_time=2026-11-21T10:00:00Z";
    assert_eq!(all_but_uid(shown), wanted);
}

#[test]
fn what_is_there_is_left_and_what_is_empty_is_filled() {
    let resource = [("k8s.pod.uid", "pod-uid"), ("k8s.namespace.name", "mine"), ("k8s.node.name", "")];
    let (_, shown) = annotated(&with_pod("extract: {metadata: [k8s.namespace.name, k8s.node.name]}"), &resource);
    assert_eq!(all_but_uid(shown), "k8s.namespace.name=mine k8s.node.name=worker-1");
}

#[test]
fn labels_and_annotations_become_attributes_by_key_and_by_pattern() {
    let yaml = r#"
extract:
  metadata: []
  otel_annotations: true
  labels:
    - {key: app}
    - {key: app, tag_name: application}
    - {key_regex: 'tier/(.*)', tag_name: '$1.tier'}
    - {key_regex: 'app\..*/name', tag_name: unused}
    - {key: missing}
  annotations: [{key: note}]
"#;
    let wanted = "application=web k8s.pod.annotations.note=hello k8s.pod.labels.app.kubernetes.io/name=webshop \
                  k8s.pod.labels.app=web team=blue x.tier=front";
    assert_eq!(all_but_uid(annotated(&with_pod(yaml), BY_UID).1), wanted);
}

#[test]
fn workload_names_are_known_with_and_without_their_objects() {
    let yaml = "extract: {metadata: [k8s.deployment.name, k8s.deployment.uid, k8s.replicaset.name, k8s.replicaset.uid], \
                labels: [{key: team, from: deployment}]}";
    let mut directory = with_pod(yaml);
    let before = "k8s.deployment.name=web k8s.replicaset.name=web-5d4b8c k8s.replicaset.uid=rs-uid";
    assert_eq!(all_but_uid(annotated(&directory, BY_UID).1), before);
    directory.apply_object(Kind::ReplicaSet, &replica_set().metadata);
    let deployment = serde_json::json!({"name": "web", "uid": "deployment-uid", "labels": {"team": "blue"}});
    directory.apply_object(Kind::Deployment, &object(deployment).metadata);
    let after = "k8s.deployment.label.team=blue k8s.deployment.name=web k8s.deployment.uid=deployment-uid \
                 k8s.replicaset.name=web-5d4b8c k8s.replicaset.uid=rs-uid";
    assert_eq!(all_but_uid(annotated(&directory, BY_UID).1), after);
}

#[test]
fn a_job_of_a_cronjob_is_known_by_its_minute() {
    let minute = pod("x", "", "").metadata.creation_timestamp.unwrap().0.as_second() / 60;
    let cronjob = |job: String| {
        let mut directory = directory("extract: {metadata: [k8s.cronjob.name, k8s.job.name, service.name]}");
        let mut pod = pod("pod-uid", "10.1.2.3", ID);
        let owner = &mut pod.metadata.owner_references.as_mut().unwrap()[0];
        (owner.kind, owner.name) = ("Job".into(), job);
        pod.metadata.labels = None;
        directory.apply_pod(&pod, Instant::now());
        all_but_uid(annotated(&directory, BY_UID).1)
    };
    let job = format!("backup-{minute}");
    assert_eq!(cronjob(job.clone()), format!("k8s.cronjob.name=backup k8s.job.name={job} service.name=backup"));
    let date = "backup-20261121".to_owned();
    assert_eq!(cronjob(date.clone()), format!("k8s.job.name={date} service.name={date}"), "a date, not a minute");
}

#[test]
fn service_attributes_follow_the_conventions_of_kubernetes() {
    let yaml = "extract: {metadata: [service.name, service.namespace, service.version, service.instance.id]}";
    let shown = |change: &dyn Fn(&mut crate::k8s_attributes::api::Pod)| {
        let (mut directory, mut pod) = (directory(yaml), pod("pod-uid", "10.1.2.3", ID));
        change(&mut pod);
        directory.apply_pod(&pod, Instant::now());
        all_but_uid(annotated(&directory, BY_UID).1)
    };
    let rest = "service.namespace=shop service.version=1.2.3";
    let instance = "service.instance.id=shop.web-5d4b8c-x2x1z.app";
    // k8s.container.name is not asked for, and so not set.
    assert_eq!(shown(&|_| {}), format!("{instance} service.name=webshop {rest}"));
    let unlabelled = |pod: &mut crate::k8s_attributes::api::Pod| {
        pod.metadata.labels.as_mut().unwrap().retain(|key, _| key == "pod-template-hash");
    };
    assert_eq!(shown(&unlabelled), format!("{instance} service.name=web {rest}"));
    assert_eq!(shown(&|pod| pod.metadata.labels = None), format!("{instance} service.name=web-5d4b8c {rest}"));
    let alone = |pod: &mut crate::k8s_attributes::api::Pod| {
        (pod.metadata.labels, pod.metadata.owner_references) = (None, None);
    };
    assert_eq!(shown(&alone), format!("{instance} service.name=web-5d4b8c-x2x1z {rest}"));
}

#[test]
fn a_container_is_told_by_id_or_name_or_being_the_only_one() {
    let yaml = "extract: {metadata: [container.id, k8s.container.name, container.image.tag]}";
    let mut directory = directory(yaml);
    let mut pod = pod("pod-uid", "10.1.2.3", ID);
    directory.apply_pod(&pod, Instant::now());
    let only = format!("container.id={ID} container.image.tag=1.2.3 k8s.container.name=app");
    assert_eq!(all_but_uid(annotated(&directory, BY_UID).1), only);
    let (mut spec, mut status) = (pod.spec.containers[0].clone(), pod.status.container_statuses[0].clone());
    (spec.name, spec.image) = ("proxy".into(), "envoy".into());
    (status.name, status.container_id, status.restart_count) = ("proxy".into(), "cri-o://proxy-id".into(), 0);
    status.last_state.terminated = None;
    pod.spec.containers.push(spec);
    pod.status.container_statuses.push(status);
    directory.apply_pod(&pod, Instant::now());
    assert_eq!(all_but_uid(annotated(&directory, BY_UID).1), "", "which of the two?");
    let by = |name, value| all_but_uid(annotated(&directory, &[BY_UID[0], (name, value)]).1);
    assert_eq!(
        by("container.id", "proxy-id"),
        "container.id=proxy-id container.image.tag=latest k8s.container.name=proxy"
    );
    assert_eq!(by("k8s.container.name", "app"), only);
    assert_eq!(by("container.id", "before"), "container.id=before container.image.tag=1.2.3 k8s.container.name=app");
    let counted =
        annotated(&directory, &[BY_UID[0], ("k8s.container.name", "app"), ("k8s.container.restart_count", "7")]);
    assert!(!counted.1.iter().any(|one| one.starts_with("container.id")), "no such run: {:?}", counted.1);
}

#[test]
fn namespace_and_node_add_theirs_even_without_a_pod() {
    let yaml = "extract: {metadata: [k8s.node.uid, k8s.cluster.uid], labels: [{key: env, from: namespace}, {key: zone, from: node}]}";
    let mut directory = with_pod(yaml);
    let mut add = |kind, name, uid, label: &str| {
        let metadata = serde_json::json!({"name": name, "uid": uid, "labels": {label: "x"}});
        directory.apply_object(kind, &object(metadata).metadata)
    };
    add(Kind::Namespace, "shop", "ns-uid", "env");
    add(Kind::Namespace, "kube-system", "cluster", "env");
    add(Kind::Node, "worker-1", "node-uid", "zone");
    let own = [("k8s.namespace.name", "shop"), ("k8s.node.name", "worker-1")];
    let (association, shown) = annotated(&directory, &own);
    assert!(!association.found);
    let wanted = "k8s.namespace.labels.env=x k8s.namespace.name=shop k8s.node.labels.zone=x k8s.node.name=worker-1 k8s.node.uid=node-uid";
    assert_eq!(shown.join(" "), wanted);
    let with_pod = all_but_uid(annotated(&directory, BY_UID).1);
    assert_eq!(
        with_pod,
        "k8s.cluster.uid=cluster k8s.namespace.labels.env=x k8s.node.labels.zone=x k8s.node.uid=node-uid"
    );
}

#[test]
fn the_senders_address_is_told_where_it_is_asked_for() {
    let shown = |yaml| annotated_from(&directory(yaml), &[], &peer("10.7.7.7")).1.join(" ");
    assert_eq!(shown("extract: {metadata: [k8s.pod.ip]}"), "k8s.pod.ip=10.7.7.7");
    assert_eq!(shown(""), "");
}

#[test]
fn wire_bytes_pass_with_their_items_untouched_and_each_resource_is_counted() {
    let mut decoder = config::Decoder::default();
    let node = config::parse("passthrough: true", &"test".into()).unwrap();
    let telemetry = Telemetry::new("test");
    let cx = || BuildContext::new("k8s_attributes".parse().unwrap(), telemetry.clone());
    let build =
        |node: &config::Node, decoder: &mut config::Decoder| match (FACTORY.decode)(node, decoder).build(cx()).unwrap()
        {
            Processor::Transform(transform) => transform,
            Processor::Wrap(_) => panic!("not a transform"),
        };
    let batch = |origin| Batch::received(Signal::Logs, logs(&[("a", 2), ("b", 3)]).encode(), origin).unwrap();
    let passing = build(&node, &mut decoder);
    let Verdict::Pass(mut passed) = passing.apply(batch(peer("::ffff:10.7.7.7").into())) else { panic!("not passed") };
    assert_eq!(passed.items(), 5);
    for outer in &passed.read::<LogsRequest>().unwrap().unwrap().resource_logs {
        assert_eq!(outer.resource.as_ref().unwrap().attributes[1..], [attribute("k8s.pod.ip", "10.7.7.7")]);
    }
    let looking = build(&config::Node::default(), &mut decoder);
    let Verdict::Pass(passed) = looking.apply(batch(Default::default())) else { panic!("not passed") };
    assert_eq!(passed.items(), 5);
    let text = counted(&telemetry);
    assert!(text.contains("otelcol_k8s_pod_association") && text.contains("resource_attribute/container.id"), "{text}");
}
