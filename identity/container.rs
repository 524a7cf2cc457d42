//! Container ids, pod uids and runtimes as container runtimes write them into cgroup paths.

/// What a cgroup path says about a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Container {
    /// The runtime's id: 64 hexadecimal digits, or on Fargate 32 and a number.
    pub id: String,
    /// The uid of its pod, where kubelet made the path.
    pub pod_uid: Option<String>,
    /// The runtime, where the path names it. Kubelet's cgroupfs driver does not.
    pub runtime: Option<Runtime>,
}

/// A container runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// containerd, also under nerdctl.
    Containerd,
    /// CRI-O.
    CriO,
    /// Docker.
    Docker,
    /// podman.
    Podman,
}

impl Runtime {
    /// The name it gives itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// Length of a container id in containerd, CRI-O, Docker and podman.
const ID_LENGTH: usize = 64;
/// Length of the part of a Fargate id that is its task's.
const TASK_LENGTH: usize = 32;

/// What stands before the id in a scope or folder.
const PREFIXES: [(&str, Option<Runtime>); 6] = [
    ("", None),
    ("cri-containerd", Some(Runtime::Containerd)),
    ("nerdctl", Some(Runtime::Containerd)),
    ("crio", Some(Runtime::CriO)),
    ("docker", Some(Runtime::Docker)),
    ("libpod", Some(Runtime::Podman)),
];

impl Container {
    /// Reads `/kubepods.slice/.../cri-containerd-<id>.scope`, `/docker/<id>`, `/kubepods/pod<uid>/<id>` and the like.
    /// Cgroups below the container's own belong to it too, and of containers in containers it is the innermost.
    pub fn in_path(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.split('/').collect();
        let at = segments.iter().rposition(|segment| id_in(segment).is_some())?;
        let (id, runtime) = id_in(segments[at])?;
        let above = segments[..at].last().copied().unwrap_or_default();
        let runtime = runtime.or(match above {
            "docker" => Some(Runtime::Docker),
            "libpod_parent" => Some(Runtime::Podman),
            _ => None,
        });
        // A pod's folder is above its containers (systemd's unit names may have both in one), but not above those of a
        // container that has containers.
        let outer = segments[..at].iter().rposition(|segment| id_in(segment).is_some()).map_or(0, |outer| outer + 1);
        let pod_uid = segments[outer..=at].iter().rev().find_map(|segment| pod_uid_in(segment));
        Some(Self { id: id.to_owned(), pod_uid, runtime })
    }
}

/// `<id>`, `docker-<id>.scope`, `crio-<id>`, `cri-containerd-<id>.scope`, `...slice:cri-containerd:<id>`. Monitors
/// (`crio-conmon-<id>.scope`, `libpod-conmon-<id>.scope`) are not the container, and have a prefix that is not known.
fn id_in(segment: &str) -> Option<(&str, Option<Runtime>)> {
    let name = segment.strip_suffix(".scope").unwrap_or(segment);
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if let Some((task, number)) = name.split_once('-')
        && task.len() == TASK_LENGTH
        && is_hex(task)
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
    {
        return Some((name, None));
    }
    let (before, id) = name.split_at_checked(name.len().checked_sub(ID_LENGTH)?)?;
    let before = before.strip_suffix(['-', ':']).unwrap_or(before);
    // With the systemd driver and no systemd, kubelet's slice, the prefix and the id are one folder.
    let prefix = before.rsplit_once(':').map_or(before, |(_, prefix)| prefix);
    let (_, runtime) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
    is_hex(id).then_some((id, *runtime))
}

/// `pod<uid>` (cgroupfs driver) or `kubepods-burstable-pod<uid with underscores>.slice` (systemd driver), which inside
/// another container begins with that one's slice.
fn pod_uid_in(segment: &str) -> Option<String> {
    let unit = segment.split(':').next()?;
    let uid = match unit.strip_suffix(".slice") {
        Some(slice) => {
            let (parent, uid) = slice.rsplit_once("-pod")?;
            parent.split('-').any(|part| part == "kubepods").then_some(uid)?
        }
        None => unit.strip_prefix("pod")?,
    };
    let uid = uid.replace('_', "-");
    // Static pods have a hash instead of a uuid; both are words of hexadecimal digits and dashes.
    (!uid.is_empty() && uid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')).then_some(uid)
}
