//! Cgroup ids to paths.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::inventory::{ContainerCgroups, containers_below};
use crate::memory::{MemoryLimit, UNIFIED, V1};

/// `FILEID_KERNFS`: a file handle that is a kernfs node id (linux/exportfs.h).
const FILEID_KERNFS: i32 = 0xfe;

/// A hierarchy by which processes are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hierarchy {
    /// The unified (v2) one.
    Unified,
    /// That of the v1 memory controller.
    V1Memory,
}

/// A cgroup: ids are those of its hierarchy, and never used twice while the host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CgroupKey {
    /// Where it is.
    pub hierarchy: Hierarchy,
    /// The inode of its directory.
    pub id: u64,
}

/// The mounted cgroup hierarchies.
#[derive(Debug)]
pub struct CgroupFs {
    unified: Option<Mounted>,
    v1_memory: Option<Mounted>,
}

#[derive(Debug)]
struct Mounted {
    root: PathBuf,
    mount: File,
}

impl CgroupFs {
    /// Finds the unified and the v1 memory hierarchy of this host, where they are mounted.
    pub fn mounted() -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let find = |wanted: &dyn Fn(&str, &str) -> bool| {
            mounts.lines().find_map(|line| {
                let mut words = line.split(' ').skip(1);
                let (root, kind, options) = (words.next()?, words.next()?, words.next()?);
                wanted(kind, options).then(|| Mounted::open(Path::new(root)))?
            })
        };
        Self {
            unified: find(&|kind, _| kind == "cgroup2"),
            v1_memory: find(&|kind, options| kind == "cgroup" && options.split(',').any(|o| o == "memory")),
        }
    }

    /// The path below the root of the unified hierarchy, e.g. `/system.slice/x.service`.
    pub fn unified_path(&self, id: u64) -> Option<String> {
        self.unified.as_ref()?.path(id)
    }

    /// The path below the root of the v1 memory hierarchy.
    pub fn v1_memory_path(&self, id: u64) -> Option<String> {
        self.v1_memory.as_ref()?.path(id)
    }

    /// The path of a cgroup below the root of its hierarchy. `None` when it is gone.
    pub fn path(&self, cgroup: CgroupKey) -> Option<String> {
        match cgroup.hierarchy {
            Hierarchy::Unified => self.unified_path(cgroup.id),
            Hierarchy::V1Memory => self.v1_memory_path(cgroup.id),
        }
    }

    /// Walks over both hierarchies: the containers that have cgroups now.
    pub(crate) fn containers(&self) -> impl Iterator<Item = (Hierarchy, ContainerCgroups)> + use<> {
        let of = |hierarchy, mounted: &Option<Mounted>| {
            let found = mounted.as_ref().map(|mounted| containers_below(&mounted.root)).unwrap_or_default();
            found.into_iter().map(move |container| (hierarchy, container))
        };
        of(Hierarchy::Unified, &self.unified).chain(of(Hierarchy::V1Memory, &self.v1_memory))
    }

    /// The memory limit that holds for a cgroup: its own or that of the nearest cgroup above it. Where memory is on v1,
    /// only the v1 id counts. `None` when there is no limit or the cgroup is gone.
    pub fn memory_limit(&self, unified: u64, v1_memory: Option<u64>) -> Option<MemoryLimit> {
        let (hierarchy, id, files) = match v1_memory {
            Some(id) => (self.v1_memory.as_ref()?, id, V1),
            None => (self.unified.as_ref()?, unified, UNIFIED),
        };
        MemoryLimit::nearest(&hierarchy.root, &hierarchy.path(id)?, &files)
    }
}

/// `struct file_handle` with room for a kernfs id.
#[repr(C)]
struct Handle {
    bytes: u32,
    kind: i32,
    id: u64,
}

impl Mounted {
    fn open(root: &Path) -> Option<Self> {
        Some(Self { root: root.to_owned(), mount: File::open(root).ok()? })
    }

    fn path(&self, id: u64) -> Option<String> {
        let mut handle = Handle { bytes: 8, kind: FILEID_KERNFS, id };
        // SAFETY: `handle` is laid out as `struct file_handle` with eight bytes of handle; the kernel only reads it.
        let fd = unsafe {
            libc::open_by_handle_at(self.mount.as_raw_fd(), (&raw mut handle).cast(), libc::O_PATH | libc::O_CLOEXEC)
        };
        if fd < 0 {
            return None;
        }
        // SAFETY: a descriptor that was just opened and that nobody else knows.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let path = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()?;
        let below = path.strip_prefix(&self.root).ok()?;
        Some(format!("/{}", below.display()))
    }
}
