//! Container ids and pod uids as container runtimes write them into cgroup paths.

/// What a cgroup path says about a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Container {
    /// The runtime's id: 64 hexadecimal digits.
    pub id: String,
    /// The uid of its pod, where kubelet made the path.
    pub pod_uid: Option<String>,
}

/// Length of a container id in containerd, CRI-O, Docker and podman.
const ID_LENGTH: usize = 64;

impl Container {
    /// Reads `/kubepods.slice/.../cri-containerd-<id>.scope`, `/docker/<id>`, `/kubepods/pod<uid>/<id>` and the like;
    /// cgroups below the container's own belong to it too.
    pub fn in_path(path: &str) -> Option<Self> {
        let id = path.split('/').rev().find_map(id_in)?;
        let pod_uid = path.split('/').find_map(pod_uid_in);
        Some(Self { id: id.to_owned(), pod_uid })
    }
}

/// `<id>`, `docker-<id>.scope`, `crio-<id>`, `cri-containerd-<id>.scope`, `cri-containerd:<id>`.
/// CRI-O's monitor (`crio-conmon-<id>.scope`) is not the container.
fn id_in(segment: &str) -> Option<&str> {
    if segment.contains("conmon") {
        return None;
    }
    let name = segment.strip_suffix(".scope").unwrap_or(segment);
    let id = name.rsplit(['-', ':']).next()?;
    let is_id = id.len() == ID_LENGTH && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_id.then_some(id)
}

/// `pod<uid>` (cgroupfs driver) or `kubepods-burstable-pod<uid with underscores>.slice` (systemd driver).
fn pod_uid_in(segment: &str) -> Option<String> {
    let segment = segment.split(':').next()?;
    let name = segment.strip_suffix(".slice").unwrap_or(segment);
    let uid = match name.strip_prefix("pod") {
        Some(uid) => uid,
        None => name.strip_prefix("kubepods")?.rsplit_once("-pod")?.1,
    };
    let uid = uid.replace('_', "-");
    // Static pods have a hash instead of a uuid; both are words of hexadecimal digits and dashes.
    (!uid.is_empty() && uid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')).then_some(uid)
}
