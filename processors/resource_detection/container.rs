//! The container that kpulse runs in.

use identity::Container;

use super::detect::{Detected, SCHEMA_URL};

/// Looks at the own cgroup, and where that is hidden by a namespace, at what the runtime has mounted.
pub fn detect() -> Detected {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    let Some(container) = of(&read("cgroup"), &read("mountinfo")) else {
        tracing::info!("kpulse runs in no container that it can see");
        return Detected::default();
    };
    let mut found = Detected { schema_url: SCHEMA_URL, ..Detected::default() };
    found.text("container.id", container.id);
    if let Some(uid) = container.pod_uid {
        found.text("k8s.pod.uid", uid);
    }
    found
}

/// The container that these files of procfs tell of.
pub fn of(cgroups: &str, mounts: &str) -> Option<Container> {
    let paths = cgroups.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let in_cgroups = paths.filter_map(Container::in_path).next();
    in_cgroups.or_else(|| mounts.lines().find_map(of_mount))
}

/// Docker and podman keep `hostname` of a container in a folder of its id. containerd's is in one of the pod's sandbox,
/// which is another id.
fn of_mount(line: &str) -> Option<Container> {
    let mut fields = line.split(' ').skip(3);
    let (root, target) = (fields.next()?, fields.next()?);
    let folder = root.split("/containers/").nth(1).or_else(|| root.split("/overlay-containers/").nth(1));
    let id = folder?.split('/').next()?;
    (target == "/etc/hostname").then(|| Container::in_path(id)).flatten()
}
