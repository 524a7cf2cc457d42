use super::{config, kinds};
use crate::k8s_attributes::api::Kind;
use crate::k8s_attributes::selector;

#[test]
fn filters_become_selectors() {
    let yaml = r#"
filter:
  node: worker-1
  fields: [{key: status.phase, value: Running}, {key: metadata.name, value: 'a=b,c\d', op: not-equals}]
  labels: [{key: app, value: web}, {key: tier, value: back, op: not-equals}, {key: a, op: exists}, {key: b, op: does-not-exist}]
"#;
    let filter = config(yaml).filter;
    assert_eq!(selector::labels(&filter).unwrap(), "app=web,tier!=back,a,!b");
    let fields = r"status.phase=Running,metadata.name!=a\=b\,c\\d,spec.nodeName=worker-1";
    assert_eq!(selector::fields(&filter).unwrap(), fields);
    let none = config("").filter;
    assert_eq!((selector::labels(&none), selector::fields(&none)), (None, None));
}

#[test]
fn only_what_is_asked_for_is_watched() {
    assert_eq!(kinds(""), [Kind::Pod]);
    assert_eq!(kinds("extract: {deployment_name_from_replicaset: false}"), [Kind::Pod, Kind::ReplicaSet]);
    assert_eq!(kinds("extract: {metadata: [k8s.cluster.uid, k8s.node.uid]}"), [Kind::Pod, Kind::Namespace, Kind::Node]);
    assert_eq!(kinds("extract: {metadata: [k8s.cronjob.name]}"), [Kind::Pod]);
    assert_eq!(kinds("extract: {metadata: [k8s.cronjob.uid]}"), [Kind::Pod, Kind::Job]);
    let labels = "extract: {labels: [{key: a, from: deployment}, {key: b, from: statefulset}], annotations: [{key: c, from: daemonset}]}";
    let wanted = [Kind::Pod, Kind::ReplicaSet, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
    assert_eq!(kinds(labels), wanted);
}

#[test]
fn kinds_are_where_the_api_server_has_them() {
    let path = |kind: Kind| {
        let resource = kind.resource();
        format!("{}/{}", resource.api_version, resource.plural)
    };
    let wanted = "v1/pods apps/v1/replicasets v1/namespaces v1/nodes apps/v1/deployments apps/v1/statefulsets \
                  apps/v1/daemonsets batch/v1/jobs";
    assert_eq!(Kind::ALL.map(path).join(" "), wanted);
}
