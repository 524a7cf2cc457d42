use super::{ID, annotated, annotated_from, directory, peer, pod, with_pod};

const NAME: &str = "k8s.pod.name=web-5d4b8c-x2x1z";

fn found(yaml: &str, attributes: &[(&str, &str)]) -> bool {
    let (association, shown) = annotated(&with_pod(yaml), attributes);
    assert_eq!(association.found, shown.contains(&NAME.to_owned()));
    association.found
}

#[test]
fn without_rules_a_pod_is_found_by_addresses_and_by_what_the_kernel_tells() {
    for attributes in [
        [("k8s.pod.ip", "10.1.2.3")],
        [("ip", "10.1.2.3")],
        [("host.name", "10.1.2.3")],
        [("k8s.pod.uid", "pod-uid")],
        [("container.id", ID)],
        [("container.id", "before")],
    ] {
        assert!(found("", &attributes), "{attributes:?}");
    }
    for attributes in [[("host.name", "worker-1")], [("k8s.pod.ip", "10.9.9.9")], [("container.id", "x")], [("a", "b")]]
    {
        assert!(!found("", &attributes), "{attributes:?}");
    }
    let (association, _) = annotated_from(&with_pod(""), &[], &peer("10.1.2.3"));
    assert_eq!((association.found, association.by.as_str()), (true, "connection"));
    // The sender is the node's own agent: what the resource says of itself still counts.
    let (association, _) = annotated_from(&with_pod(""), &[("container.id", ID)], &peer("127.0.0.1"));
    assert!(association.found);
}

#[test]
fn the_first_rule_whose_sources_are_all_present_decides_alone() {
    let rules = "pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]}, \
                 {sources: [{from: resource_attribute, name: k8s.namespace.name}, {from: resource_attribute, name: k8s.pod.name}]}, \
                 {sources: [{from: resource_attribute, name: container.id}]}]";
    let by_name = [("k8s.namespace.name", "shop"), ("k8s.pod.name", "web-5d4b8c-x2x1z")];
    assert!(found(rules, &[("k8s.pod.uid", "pod-uid")]));
    assert!(found(rules, &by_name));
    assert!(found(rules, &[("k8s.namespace.name", "shop"), ("container.id", ID)]), "the second rule lacks a source");
    assert!(!found(rules, &[("k8s.pod.uid", "other"), ("container.id", ID)]));
    assert!(!found(rules, &[("k8s.pod.ip", "10.1.2.3")]), "no rule for it");
    let (association, _) = annotated(&with_pod(rules), &by_name);
    assert_eq!(association.by, "resource_attribute/k8s.namespace.name+resource_attribute/k8s.pod.name");
}

#[test]
fn a_rule_may_name_an_extracted_attribute_or_the_connection() {
    let rules = "{extract: {labels: [{key: app, tag_name: app}]}, pod_association: \
                 [{sources: [{from: connection}, {from: resource_attribute, name: app}]}]}";
    let directory = with_pod(rules);
    assert!(annotated_from(&directory, &[("app", "web")], &peer("10.1.2.3")).0.found);
    assert!(!annotated_from(&directory, &[("app", "db")], &peer("10.1.2.3")).0.found);
    assert!(!annotated_from(&directory, &[], &peer("10.1.2.3")).0.found);
}

#[test]
fn pods_on_the_hosts_network_are_not_found_by_its_address() {
    let mut directory = directory("");
    let mut host = pod("host-uid", "10.0.0.1", ID);
    host.spec.host_network = true;
    directory.apply_pod(&host, std::time::Instant::now());
    assert!(!annotated(&directory, &[("k8s.pod.ip", "10.0.0.1")]).0.found);
    assert!(annotated(&directory, &[("container.id", ID)]).0.found);
}

#[test]
fn a_static_pod_is_found_by_the_uid_that_kubelet_gave_it() {
    let mut directory = directory("");
    let mut mirror = pod("mirror-uid", "10.0.0.1", ID);
    let hash = ("kubernetes.io/config.hash".to_owned(), "c0ffee".to_owned());
    mirror.metadata.annotations.as_mut().unwrap().extend([hash]);
    directory.apply_pod(&mirror, std::time::Instant::now());
    assert!(annotated(&directory, &[("k8s.pod.uid", "c0ffee")]).0.found);
}

#[test]
fn excluded_pods_and_those_that_ask_for_it_are_left_alone() {
    assert!(!found("exclude: {pods: [{name: '^web-'}]}", &[("k8s.pod.uid", "pod-uid")]));
    let mut directory = directory("");
    let mut shy = pod("shy", "10.0.0.9", ID);
    let word = ("opentelemetry.io/k8s-processor/ignore".to_owned(), " True ".to_owned());
    shy.metadata.annotations.as_mut().unwrap().extend([word]);
    directory.apply_pod(&shy, std::time::Instant::now());
    assert!(!annotated(&directory, &[("k8s.pod.uid", "shy")]).0.found);
}
