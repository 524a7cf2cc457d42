//! The containers of this host and what the kernel accounts to them, from the mounted cgroup hierarchies.

use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};

use crate::Container;
use crate::accounting::{Cpu, Memory};

/// Cgroups deeper than this are not looked at; real ones stay below ten.
const DEEPEST: usize = 32;

/// A container that has cgroups now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerCgroups {
    /// Which one.
    pub container: Container,
    /// The path of its own cgroup, below the root of its hierarchy.
    pub path: String,
    /// Ids of its own cgroup and of those below it.
    pub ids: Vec<u64>,
}

/// The hierarchies in which the kernel accounts to containers: memory, cpu and cpuacct of v1 where memory is on v1,
/// else the unified one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inventory {
    /// One hierarchy for everything.
    Unified(PathBuf),
    /// One for each controller.
    V1 {
        /// Root of the memory hierarchy; containers are looked for here.
        memory: PathBuf,
        /// Root of the hierarchy that limits CPU time.
        cpu: PathBuf,
        /// Root of the hierarchy that counts CPU time.
        cpuacct: PathBuf,
    },
}

impl Inventory {
    /// Finds the mounted hierarchies. `None` on a host without cgroups.
    pub fn of_host() -> Option<Self> {
        Self::in_mounts(&fs::read_to_string("/proc/self/mounts").unwrap_or_default())
    }

    pub(crate) fn in_mounts(mounts: &str) -> Option<Self> {
        let with =
            |wanted: &str| mounted(mounts, |kind, options| kind == "cgroup" && options.split(',').any(|o| o == wanted));
        let v1 = || Some(Self::V1 { memory: with("memory")?, cpu: with("cpu")?, cpuacct: with("cpuacct")? });
        v1().or_else(|| mounted(mounts, |kind, _| kind == "cgroup2").map(Self::Unified))
    }

    /// The containers that have cgroups now.
    pub fn containers(&self) -> Vec<ContainerCgroups> {
        let root = match self {
            Self::Unified(root) | Self::V1 { memory: root, .. } => root,
        };
        containers_below(root)
    }

    /// What CPU time the cgroup at `path` has had. `None` when it is gone.
    pub fn cpu(&self, path: &str) -> Option<Cpu> {
        let below = path.trim_start_matches('/');
        match self {
            Self::Unified(root) => Cpu::unified(&root.join(below)),
            Self::V1 { cpu, cpuacct, .. } => Cpu::v1(&cpu.join(below), &cpuacct.join(below)),
        }
    }

    /// What memory the cgroup at `path` holds. `None` when it is gone.
    pub fn memory(&self, path: &str) -> Option<Memory> {
        let below = path.trim_start_matches('/');
        match self {
            Self::Unified(root) => Memory::unified(&root.join(below)),
            Self::V1 { memory, .. } => Memory::v1(&memory.join(below)),
        }
    }
}

/// Where the first hierarchy is mounted of which kind and options are `wanted`.
fn mounted(mounts: &str, wanted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (root, kind, options) = (words.next()?, words.next()?, words.next()?);
        wanted(kind, options).then(|| PathBuf::from(root))
    })
}

/// The containers that have cgroups in the hierarchy mounted at `root`.
pub(crate) fn containers_below(root: &Path) -> Vec<ContainerCgroups> {
    let mut found = Vec::new();
    look_into(root, &mut String::new(), 0, None, &mut found);
    found
}

/// Adds the containers below `folder`, whose path is `path`. `inside` is the container that the folder belongs to, as
/// an index of `found`. What vanishes meanwhile is passed over.
fn look_into(folder: &Path, path: &mut String, depth: usize, inside: Option<usize>, found: &mut Vec<ContainerCgroups>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        let (length, name) = (path.len(), entry.file_name());
        path.push('/');
        path.push_str(&name.to_string_lossy());
        let inside = match inside {
            Some(index) => {
                found[index].ids.push(entry.ino());
                Some(index)
            }
            None => Container::in_path(path).map(|container| {
                found.push(ContainerCgroups { container, path: path.clone(), ids: vec![entry.ino()] });
                found.len() - 1
            }),
        };
        if depth < DEEPEST {
            look_into(&entry.path(), path, depth + 1, inside, found);
        }
        path.truncate(length);
    }
}
