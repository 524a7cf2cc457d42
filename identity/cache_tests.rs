use std::time::{Duration, Instant};

use crate::cache::Containers;
use crate::{CgroupKey, Hierarchy, KEPT_AFTER_END};

/// Ids that no cgroup of this host has.
const FIRST: u64 = u64::MAX / 2;

fn unified(id: u64) -> CgroupKey {
    CgroupKey { hierarchy: Hierarchy::Unified, id: FIRST + id }
}

fn path(id: u64) -> String {
    format!("/docker/{id:064x}")
}

fn find(containers: &Containers, id: u64) -> Option<String> {
    containers.remembered(FIRST + id, None).map(|container| container.id)
}

#[test]
fn a_container_that_ended_is_remembered_for_a_while() {
    let mut containers = Containers::bounded(10);
    let start = Instant::now();
    containers.made(unified(1), &path(1), start);
    containers.made(unified(2), "/system.slice/ssh.service", start);
    assert_eq!((find(&containers, 1), find(&containers, 2)), (Some(format!("{:064x}", 1)), None));
    containers.removed(unified(1), start);
    containers.removed(unified(1), start + Duration::from_secs(30));
    containers.removed(unified(3), start + KEPT_AFTER_END - Duration::from_millis(1));
    assert!(find(&containers, 1).is_some(), "a minute is not over");
    containers.removed(unified(3), start + KEPT_AFTER_END);
    assert_eq!((find(&containers, 1), containers.len()), (None, 0));
}

#[test]
fn the_same_number_in_another_hierarchy_is_another_cgroup() {
    let mut containers = Containers::bounded(10);
    let memory = CgroupKey { hierarchy: Hierarchy::V1Memory, id: FIRST };
    containers.made(memory, &path(1), Instant::now());
    assert_eq!(containers.remembered(FIRST, None), None);
    assert!(containers.remembered(1, Some(FIRST)).is_some());
}

#[test]
fn when_it_is_full_those_that_ended_go_first_and_every_overflow_is_counted() {
    let mut containers = Containers::bounded(3);
    let now = Instant::now();
    (1..=3).for_each(|id| containers.made(unified(id), &path(id), now));
    assert_eq!(containers.overflows(), 0);
    containers.made(unified(4), &path(4), now);
    assert_eq!((find(&containers, 4), containers.overflows()), (None, 1), "nobody has ended");
    containers.removed(unified(2), now);
    containers.removed(unified(1), now);
    containers.made(unified(5), &path(5), now);
    let left: Vec<u64> = (1..=5).filter(|id| find(&containers, *id).is_some()).collect();
    assert_eq!((left, containers.overflows(), containers.len()), (vec![1, 3, 5], 2, 3));
}

mod kernel {
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;
    use std::time::Instant;

    use crate::Containers;

    const ID: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    /// A container's cgroup in the unified hierarchy, removed again also after a failure.
    struct Cgroup(PathBuf);

    impl Cgroup {
        fn create() -> Self {
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
            let root = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2")).unwrap();
            let cgroup = Self(PathBuf::from(root.split(' ').nth(1).unwrap()).join(format!("docker-{ID}.scope")));
            std::fs::create_dir_all(cgroup.0.join("init")).unwrap();
            cgroup
        }
    }

    impl Drop for Cgroup {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir(self.0.join("init"));
            let _ = std::fs::remove_dir(&self.0);
        }
    }

    #[test]
    fn a_walk_finds_what_nobody_told_and_sees_its_end() {
        let cgroup = Cgroup::create();
        let id = std::fs::metadata(cgroup.0.join("init")).unwrap().ino();
        let (mut containers, now) = (Containers::of_host(), Instant::now());
        containers.walk(now);
        assert_eq!(containers.remembered(id, None).unwrap().id, ID);
        drop(cgroup);
        containers.walk(now);
        assert_eq!(containers.remembered(id, None).unwrap().id, ID, "it has only just ended");
        containers.walk(now + crate::KEPT_AFTER_END);
        assert_eq!(containers.remembered(id, None), None);
    }

    #[test]
    fn who_is_in_no_container_is_asked_for_once() {
        let mut containers = Containers::of_host();
        let root = 1;
        assert!(!containers.is_outside(root, None));
        assert_eq!(containers.look_up(root, None, Instant::now()), None);
        assert!(containers.is_outside(root, None));
        assert_eq!(containers.look_up(u64::MAX, None, Instant::now()), None, "a cgroup that never was");
        assert!(!containers.is_outside(u64::MAX, None), "nothing is known of it");
    }
}
