//! Folders in the mounted hierarchies (root).

mod kernel {
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;

    use crate::cgroups::CgroupChanges;
    use crate::{Kernel, Probe};

    /// The roots of the hierarchies that are watched, and whether each is a v1 one.
    fn roots() -> Vec<(PathBuf, bool)> {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mounts: Vec<Vec<&str>> = mounts.lines().map(|line| line.split(' ').collect()).collect();
        let unified = mounts.iter().filter(|m| m[2] == "cgroup2").map(|m| (PathBuf::from(m[1]), false));
        let memory = mounts.iter().filter(|m| m[2] == "cgroup" && m[3].split(',').any(|option| option == "memory"));
        unified.chain(memory.map(|m| (PathBuf::from(m[1]), true))).collect()
    }

    #[tokio::test]
    async fn a_cgroup_that_is_gone_at_once_was_told_with_its_id_and_path() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = CgroupChanges::open(&mut Kernel::open().unwrap()).unwrap();
        // As long as the path of a pod in a node that is itself a container.
        let name = format!("kpulse-{}-{}", std::process::id(), "x".repeat(200));
        let mut wanted = Vec::new();
        for (root, v1) in roots() {
            let folder = root.join(&name);
            std::fs::create_dir(&folder).unwrap();
            let id = std::fs::metadata(&folder).unwrap().ino();
            std::fs::remove_dir(&folder).unwrap();
            wanted.extend([(id, v1, false), (id, v1, true)]);
        }
        assert!(!wanted.is_empty());
        let mut told = Vec::new();
        probe.drain_changes(|change, path| {
            if path == format!("/{name}") {
                told.push((change.id(), change.is_in_v1_memory(), change.is_removed()));
            }
        });
        assert_eq!(told, wanted);
        probe.detach();
        let counters = probe.counters();
        assert_eq!(counters.fired, counters.filtered + counters.limited + counters.lost + counters.sent);
        assert_eq!(probe.untold(), 0);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = CgroupChanges::open(&mut Kernel::open().unwrap()).unwrap();
        let (root, _) = roots().remove(0);
        let folder = root.join(format!("kpulse-{}", std::process::id()));
        let mut made = 0_u64;
        while probe.untold() == 0 && made < 100_000 {
            for _ in 0..100 {
                std::fs::create_dir(&folder).unwrap();
                std::fs::remove_dir(&folder).unwrap();
            }
            made += 200;
        }
        probe.detach();
        let mut told = 0;
        probe.drain_changes(|_, _| told += 1);
        let counters = probe.counters();
        assert!(counters.lost > 0, "{counters:?}");
        assert_eq!(counters.sent, told);
        assert!(counters.fired >= made && counters.fired == counters.filtered + counters.lost + counters.sent);
    }
}
