use crate::Container;
use crate::Runtime::{self, Containerd, CriO, Docker, Podman};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const UID: &str = "1f3b6a2e-0000-4444-8888-aabbccddeeff";

/// `ID`, `OUTER`, `UID` and `U_ID` (with underscores) stand for the real things.
fn real(path: &str) -> String {
    let path = path.replace("OUTER", &"f".repeat(64)).replace("U_ID", &UID.replace('-', "_"));
    path.replace("UID", UID).replace("ID", ID)
}

#[test]
fn paths_of_all_runtimes_name_container_pod_and_runtime() {
    let rows: &[(&str, bool, Option<Runtime>)] = &[
        // Docker: cgroupfs, systemd, with systemd or a cgroup of its own inside, Docker in Docker.
        ("/docker/ID", false, Some(Docker)),
        ("/system.slice/docker-ID.scope", false, Some(Docker)),
        ("/system.slice/docker-ID.scope/init", false, Some(Docker)),
        ("/docker/ID/system.slice/ssh.service", false, Some(Docker)),
        ("/docker/OUTER/docker/ID", false, Some(Docker)),
        // podman: root, with its own cgroup inside, without root, cgroupfs, in a podman pod.
        ("/machine.slice/libpod-ID.scope", false, Some(Podman)),
        ("/machine.slice/libpod-ID.scope/container", false, Some(Podman)),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container", false, Some(Podman)),
        ("/libpod_parent/libpod-ID", false, Some(Podman)),
        ("/machine.slice/machine-libpod_pod_OUTER.slice/libpod-ID.scope", false, Some(Podman)),
        // kubelet's cgroupfs driver, in all classes of service and below another cgroup.
        ("/kubepods/podUID/ID", true, None),
        ("/kubepods/burstable/podUID/ID", true, None),
        ("/agent/kubepods/besteffort/podUID/ID", true, None),
        ("/kubepods/burstable/podUID/crio-ID", true, Some(CriO)),
        ("/kubepods/podc0ffee0123456789c0ffee0123456789/ID", false, None),
        // kubelet's systemd driver.
        (
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podU_ID.slice/cri-containerd-ID.scope",
            true,
            Some(Containerd),
        ),
        ("/kubepods.slice/kubepods-podU_ID.slice/crio-ID.scope", true, Some(CriO)),
        ("/kubepods.slice/kubepods-podU_ID.slice/crio-ID.scope/container", true, Some(CriO)),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podU_ID.slice/docker-ID.scope",
            true,
            Some(Docker),
        ),
        ("/system.slice/containerd.service/kubepods-burstable-podU_ID.slice:cri-containerd:ID", true, Some(Containerd)),
        // Kubernetes in a container: kind with either driver, k3d.
        ("/docker/OUTER/kubelet/kubepods/burstable/podUID/ID", true, None),
        ("/docker/OUTER/kubepods/besteffort/podUID/ID", true, None),
        (
            "/system.slice/docker-OUTER.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/\
             kubelet-kubepods-burstable-podU_ID.slice/cri-containerd-ID.scope",
            true,
            Some(Containerd),
        ),
        ("/kubepods/burstable/podUID/kata_overhead/ID", true, None),
        ("/kubepods/podaaaa/OUTER/docker/ID", false, Some(Docker)),
        // What runs in the node's container and is no pod belongs to the node's container.
        ("/docker/ID/kubelet.slice/kubelet.service", false, Some(Docker)),
        ("/system.slice/docker-ID.scope/crio-conmon-OUTER.scope", false, Some(Docker)),
        // containerd without Kubernetes; ECS.
        ("/default/ID", false, None),
        ("/system.slice/nerdctl-ID.scope", false, Some(Containerd)),
        ("/ecs/0123456789abcdef0123456789abcdef/ID", false, None),
    ];
    for (path, in_pod, runtime) in rows {
        let path = real(path);
        let container = Container::in_path(&path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!((container.id.as_str(), container.runtime), (ID, *runtime), "{path}");
        if !path.contains("c0ffee") {
            assert_eq!(container.pod_uid.as_deref(), in_pod.then_some(UID), "{path}");
        }
    }
    let r#static = Container::in_path(&real("/kubepods/podc0ffee0123456789c0ffee0123456789/ID")).unwrap();
    assert_eq!(r#static.pod_uid.unwrap(), "c0ffee0123456789c0ffee0123456789");
    let fargate = "0123456789abcdef0123456789abcdef-2531612879";
    let path = format!("/ecs/0123456789abcdef0123456789abcdef/{fargate}");
    assert_eq!(Container::in_path(&path).unwrap().id, fargate);
}

#[test]
fn what_is_no_container_is_none() {
    for path in [
        "/",
        "",
        "/system.slice/ssh.service",
        "/user.slice/user-0.slice",
        "/docker/abc",
        "/docker/buildkit",
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podU_ID.slice",
        "/kubepods.slice/kubepods-podU_ID.slice/crio-conmon-ID.scope",
        "/machine.slice/libpod-conmon-ID.scope",
        "/machine.slice/machine-libpod_pod_ID.slice",
        "/libpod_parent/conmon",
        "/system.slice/system-modprobe.slice/modprobe@ID.service",
        "/\u{e9}0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
    ] {
        assert_eq!(Container::in_path(&real(path)), None, "{path}");
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
        assert_eq!(Containers::of_host().look_up(id, None, std::time::Instant::now()).unwrap().id, ID);
    }
}
