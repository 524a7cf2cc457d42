use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::{GRACE, ID, annotated, directory, object, pod};
use crate::k8s_attributes::api::Kind;
use crate::k8s_attributes::directory::{Directory, Outcome};

fn finds(directory: &Directory, name: &str, value: &str) -> bool {
    annotated(directory, &[(name, value)]).0.found
}

#[test]
fn a_pod_that_is_gone_is_found_until_its_grace_period_is_over() {
    let (mut directory, now) = (directory(""), Instant::now());
    assert_eq!(directory.apply_pod(&pod("a", "10.0.0.1", ID), now), Outcome::Added);
    assert_eq!(directory.remove_pod("a", now), Outcome::Deleted);
    assert_eq!(directory.remove_pod("a", now), Outcome::Ignored);
    directory.expire(now + GRACE - Duration::from_millis(1));
    assert!(finds(&directory, "container.id", ID) && finds(&directory, "k8s.pod.ip", "10.0.0.1"));
    directory.expire(now + GRACE);
    assert!(!finds(&directory, "container.id", ID));
    assert_eq!(directory.len(), 0);
}

#[test]
fn a_restarted_container_is_found_by_its_old_and_new_id() {
    let (mut directory, now) = (directory(""), Instant::now());
    let mut first = pod("a", "10.0.0.1", "first");
    first.status.container_statuses[0].last_state.terminated = None;
    directory.apply_pod(&first, now);
    let mut second = pod("a", "10.0.0.1", "second");
    second.status.container_statuses[0].last_state.terminated = None;
    assert_eq!(directory.apply_pod(&second, now), Outcome::Updated);
    assert!(finds(&directory, "container.id", "first") && finds(&directory, "container.id", "second"));
    directory.expire(now + GRACE);
    assert!(!finds(&directory, "container.id", "first") && finds(&directory, "container.id", "second"));
}

#[test]
fn an_address_belongs_to_the_pod_that_started_last_whatever_comes_late() {
    let (mut directory, now) = (directory(""), Instant::now());
    let (old, mut new) = (pod("old", "10.0.0.1", "a"), pod("new", "10.0.0.1", "b"));
    new.status.start_time = Some("2026-11-21T11:00:00Z".into());
    new.metadata.name = Some("new".into());
    directory.apply_pod(&old, now);
    directory.apply_pod(&new, now);
    directory.apply_pod(&old, now);
    let name = |directory: &Directory| annotated(directory, &[("k8s.pod.ip", "10.0.0.1")]).1.join(" ");
    assert!(name(&directory).contains("k8s.pod.name=new"));
    directory.remove_pod("old", now);
    directory.expire(now + GRACE);
    assert!(name(&directory).contains("k8s.pod.name=new"), "the old one takes only its own with it");
}

#[test]
fn a_pod_that_comes_back_within_the_grace_period_stays() {
    let (mut directory, now) = (directory(""), Instant::now());
    directory.apply_pod(&pod("a", "10.0.0.1", ID), now);
    directory.remove_pod("a", now);
    directory.apply_pod(&pod("a", "10.0.0.1", ID), now);
    directory.expire(now + GRACE * 2);
    assert!(finds(&directory, "container.id", ID));
}

#[test]
fn a_complete_list_ends_what_it_does_not_have() {
    let (mut directory, now) = (directory(""), Instant::now());
    directory.apply_pod(&pod("a", "10.0.0.1", "x"), now);
    directory.apply_pod(&pod("b", "10.0.0.2", "y"), now);
    let node = |name: &str| object(serde_json::json!({"name": name, "uid": format!("uid-{name}")})).metadata;
    directory.apply_object(Kind::Node, &node("one"));
    directory.apply_object(Kind::Node, &node("two"));
    let listed = |uid: &str| HashSet::from([uid.to_owned()]);
    assert_eq!(directory.retain(Kind::Pod, &listed("b"), now), 1);
    assert_eq!(directory.retain(Kind::Node, &listed("uid-two"), now), 1);
    directory.expire(now + GRACE);
    assert!(!finds(&directory, "container.id", "x") && finds(&directory, "container.id", "y"));
    assert!(directory.object(Kind::Node, "one").is_none() && directory.object(Kind::Node, "two").is_some());
}

#[test]
fn no_more_is_kept_than_there_is_room_for() {
    let (mut directory, now) = (directory("").with_room_for(2), Instant::now());
    for (uid, outcome) in
        [("a", Outcome::Added), ("b", Outcome::Added), ("c", Outcome::Refused), ("a", Outcome::Updated)]
    {
        assert_eq!(directory.apply_pod(&pod(uid, "10.0.0.1", uid), now), outcome, "{uid}");
    }
    let nameless = object(serde_json::json!({}));
    assert_eq!(directory.apply_object(Kind::Node, &nameless.metadata), Outcome::Refused);
}
