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
