use crate::Container;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn paths_of_all_runtimes_name_container_and_pod() {
    let uid = "1f3b6a2e-0000-4444-8888-aabbccddeeff";
    let underscored = uid.replace('-', "_");
    let rows = [
        (format!("/docker/{ID}"), None),
        (format!("/system.slice/docker-{ID}.scope"), None),
        (format!("/system.slice/docker-{ID}.scope/init"), None),
        (format!("/machine.slice/libpod-{ID}.scope"), None),
        (format!("/kubepods/burstable/pod{uid}/{ID}"), Some(uid)),
        (format!("/agent/kubepods/besteffort/pod{uid}/{ID}"), Some(uid)),
        (
            format!(
                "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{underscored}.slice/cri-containerd-{ID}.scope"
            ),
            Some(uid),
        ),
        (format!("/kubepods.slice/kubepods-pod{underscored}.slice/crio-{ID}.scope"), Some(uid)),
        (
            format!("/system.slice/containerd.service/kubepods-burstable-pod{underscored}.slice:cri-containerd:{ID}"),
            Some(uid),
        ),
    ];
    for (path, pod) in rows {
        let container = Container::in_path(&path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!((container.id.as_str(), container.pod_uid.as_deref()), (ID, pod), "{path}");
    }
}

#[test]
fn what_is_no_container_is_none() {
    for path in [
        "/",
        "",
        "/system.slice/ssh.service",
        "/user.slice/user-0.slice",
        "/docker/abc",
        &format!("/x/crio-conmon-{ID}.scope"),
    ] {
        assert_eq!(Container::in_path(path), None, "{path}");
    }
}

#[test]
fn the_nearest_limit_from_a_cgroup_upwards_holds() {
    let root = std::env::temp_dir().join(format!("kpulse-limits-{}", std::process::id()));
    std::fs::create_dir_all(root.join("pod/app")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(root.join(file), text).unwrap();
    let nearest = |path, files| crate::MemoryLimit::nearest(&root, path, &files);
    assert_eq!(nearest("/pod/app", crate::memory::UNIFIED), None, "no files, as in the root");
    write("pod/memory.max", "4096\n");
    write("pod/memory.current", "512\n");
    write("pod/app/memory.max", "max\n");
    write("pod/app/memory.limit_in_bytes", "9223372036854771712\n");
    let limit = nearest("/pod/app", crate::memory::UNIFIED).unwrap();
    assert_eq!((limit.path.as_str(), limit.limit, limit.usage), ("/pod", 4096, 512));
    assert_eq!(nearest("/pod/app", crate::memory::V1), None, "v1's number for none");
    std::fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_host_accounts_in_v1_only_where_memory_is_there() {
    use crate::Inventory::{Unified, V1};
    let cgroup2 = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
    let v1 = "cgroup /c/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\ncgroup /c/memory cgroup rw,memory 0 0\n";
    let expected = V1 { memory: "/c/memory".into(), cpu: "/c/cpu,cpuacct".into(), cpuacct: "/c/cpu,cpuacct".into() };
    assert_eq!(crate::Inventory::in_mounts(&format!("{cgroup2}{v1}")), Some(expected));
    let named = "cgroup /c/systemd cgroup rw,name=systemd 0 0\n";
    assert_eq!(
        crate::Inventory::in_mounts(&format!("{named}{cgroup2}")),
        Some(Unified("/sys/fs/cgroup/unified".into()))
    );
    assert_eq!(crate::Inventory::in_mounts("tmpfs /tmp tmpfs rw 0 0\n"), None);
}

#[test]
fn cgroups_below_a_container_belong_to_it() {
    let root = std::env::temp_dir().join(format!("kpulse-inventory-{}", std::process::id()));
    std::fs::create_dir_all(root.join(format!("kubepods/{ID}/init/deeper"))).unwrap();
    std::fs::create_dir_all(root.join("system.slice/ssh.service")).unwrap();
    let found = crate::Inventory::Unified(root.clone()).containers();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].path.as_str(), found[0].ids.len()), (format!("/kubepods/{ID}").as_str(), 3));
    std::fs::remove_dir_all(root).unwrap();
}

#[test]
fn accounting_is_read_from_both_kinds_of_files() {
    use crate::{Cpu, Inventory, Memory};
    use std::time::Duration;
    let root = std::env::temp_dir().join(format!("kpulse-accounting-{}", std::process::id()));
    std::fs::create_dir_all(root.join("c")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(root.join("c").join(file), text).unwrap();
    let unified = Inventory::Unified(root.clone());
    let v1 = Inventory::V1 { memory: root.clone(), cpu: root.clone(), cpuacct: root.clone() };
    assert_eq!((unified.cpu("/c"), unified.memory("/c"), v1.cpu("/c")), (None, None, None));
    write("cpu.stat", "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_throttled 7\nthrottled_usec 9\nthrottled_time 8\n");
    write("memory.current", "100\n");
    write("memory.max", "max\n");
    write("memory.stat", "anon 40\ninactive_file 30\ntotal_rss 50\ntotal_inactive_file 20\n");
    let (user, system) = (Duration::from_micros(3), Duration::from_micros(2));
    let cpu = Cpu { user, system, throttled_periods: 7, throttled: Duration::from_micros(9) };
    assert_eq!(unified.cpu("/c"), Some(cpu));
    assert_eq!(unified.memory("/c"), Some(Memory { usage: 100, working_set: 70, anon: 40, limit: None }));
    write("cpuacct.usage_user", "3000\n");
    write("cpuacct.usage_sys", "2000\n");
    write("memory.usage_in_bytes", "200\n");
    write("memory.limit_in_bytes", "400\n");
    assert_eq!(v1.cpu("/c"), Some(Cpu { throttled: Duration::from_nanos(8), ..cpu }));
    assert_eq!(v1.memory("/c"), Some(Memory { usage: 200, working_set: 180, anon: 50, limit: Some(400) }));
    std::fs::remove_dir_all(root).unwrap();
}

mod kernel {
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::ID;
    use crate::{CgroupFs, Containers};

    /// A cgroup that is removed again, also after a failure.
    struct Cgroup(std::path::PathBuf);

    impl Drop for Cgroup {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir(&self.0);
            let _ = std::fs::remove_dir(self.0.parent().unwrap());
        }
    }

    #[test]
    fn a_cgroup_id_leads_to_its_path_and_container_on_this_host() {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let root = mounts.lines().find(|l| l.split(' ').nth(2) == Some("cgroup2")).unwrap().split(' ').nth(1).unwrap();
        let cgroup = Cgroup(Path::new(root).join("kpulse-identity-test").join(ID));
        std::fs::create_dir_all(&cgroup.0).unwrap();
        let id = std::fs::metadata(&cgroup.0).unwrap().ino();
        assert_eq!(CgroupFs::mounted().unified_path(id).unwrap(), format!("/kpulse-identity-test/{ID}"));
        assert_eq!(Containers::of_host().find(id, None).unwrap().id, ID);
        assert_eq!(Containers::of_host().find(u64::MAX, None), None, "a cgroup that never was");
    }
}
