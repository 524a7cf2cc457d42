//! Loading objects, climbing ladders, isolated failure.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

use aya::maps::Map;
use aya::programs::cgroup_sock::CgroupSockLink;
use aya::programs::tp_btf::BtfTracePointLink;
use aya::programs::{CgroupAttachMode, Program, ProgramError};
use aya::{Btf, Ebpf, EbpfLoader};

use crate::fdinfo;
use crate::probe::{Cost, MapSize};

/// Why no probe at all can run here.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The kernel does not describe its own types.
    #[error("{0}: this kernel has no BTF, so no probe can be loaded; use one built with CONFIG_DEBUG_INFO_BTF=y")]
    NoBtf(String),
}

/// Why one object could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The kernel refuses BPF to this process; the same for every probe.
    #[error(
        "not allowed to load eBPF: run as root, or with the capabilities BPF, PERFMON and NET_ADMIN \
         (before Linux 5.11 also with RLIMIT_MEMLOCK unlimited)"
    )]
    NotAllowed,
    /// Maps could not be made or the object does not fit this kernel.
    #[error("cannot load: {0}")]
    Load(aya::EbpfError),
    /// A map is missing or of another kind: the object and its reader do not belong together.
    #[error("map {name}: {source}")]
    Map {
        /// The map's name.
        name: &'static str,
        /// What the kernel or the loader said.
        source: aya::maps::MapError,
    },
    /// A map the reader needs is not in the object.
    #[error("map {0} is not in the object")]
    NoMap(&'static str),
    /// None of the hooks could be used.
    #[error("no hook could be used: {0}")]
    NoHook(String),
    /// The ring could not be watched.
    #[error("cannot watch the ring: {0}")]
    Ring(#[from] std::io::Error),
}

impl From<aya::EbpfError> for OpenError {
    fn from(error: aya::EbpfError) -> Self {
        let mut causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        let refused = causes.any(|cause| {
            let io = cause.downcast_ref::<std::io::Error>();
            io.is_some_and(|io| io.kind() == std::io::ErrorKind::PermissionDenied)
        });
        if refused { Self::NotAllowed } else { Self::Load(error) }
    }
}

/// The running kernel's own types, parsed once for all objects of a start. Drop it when all probes are open: it is
/// large.
pub struct Kernel {
    loader: EbpfLoader<'static>,
    btf: Btf,
}

/// Where a program can attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    /// A typed raw tracepoint.
    TpBtf(&'static str),
    /// Socket creation below the root of the unified cgroup hierarchy.
    CgroupSockCreate,
    /// One run over all open files.
    IterTaskFile,
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TpBtf(name) => write!(f, "tp_btf/{name}"),
            Self::CgroupSockCreate => f.write_str("cgroup/sock_create"),
            Self::IterTaskFile => f.write_str("iter/task_file"),
        }
    }
}

/// One step of a ladder: a program and the hook it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rung {
    pub program: &'static str,
    pub hook: Hook,
}

/// One try to attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The hook, e.g. `tp_btf/sched_switch`.
    pub hook: String,
    /// The program's name.
    pub program: &'static str,
    /// Why it failed; `None` when it is live.
    pub error: Option<String>,
}

/// What became of one feature: the hooks that were tried, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// What the hooks are for.
    pub feature: &'static str,
    /// Up to and including the first that worked.
    pub attempts: Vec<Attempt>,
}

impl Ladder {
    /// The hook that is live.
    pub fn live(&self) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.error.is_none())
    }

    /// Every failure in one line.
    pub fn failures(&self) -> String {
        let failed = self.attempts.iter().filter_map(|a| Some(format!("{}: {}", a.hook, a.error.as_ref()?)));
        failed.collect::<Vec<_>>().join("; ")
    }
}

impl Kernel {
    /// Reads the kernel's BTF.
    ///
    /// # Errors
    /// When there is none.
    pub fn open() -> Result<Self, Unavailable> {
        let btf = Btf::from_sys_fs().map_err(|e| Unavailable::NoBtf(e.to_string()))?;
        let mut loader = EbpfLoader::new();
        // Socket storage has no accessor in aya; only programs touch it.
        loader.allow_unsupported_maps();
        Ok(Self { loader, btf })
    }

    /// Creates the maps of `object`; programs are loaded one by one as their ladder is climbed.
    pub(crate) fn load(&mut self, object: &[u8]) -> Result<Object, OpenError> {
        Ok(Object { ebpf: self.loader.load(object)?, attached: Vec::new(), detached: Vec::new() })
    }
}

/// Aligned as ELF readers want it.
#[macro_export]
#[doc(hidden)]
macro_rules! object_bytes {
    ($name:literal) => {
        aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/", $name, ".o"))
    };
}

/// A live attachment; dropping it detaches.
#[expect(dead_code, reason = "held for what dropping them does")]
enum Link {
    TpBtf(BtfTracePointLink),
    CgroupSock(CgroupSockLink),
}

/// A loaded object with what is attached of it. Dropping it detaches and unloads everything.
pub(crate) struct Object {
    ebpf: Ebpf,
    attached: Vec<(Rung, Link)>,
    detached: Vec<Rung>,
}

impl Object {
    /// Attaches the first rung that works. Failures stay with this ladder.
    pub fn climb(&mut self, kernel: &Kernel, feature: &'static str, rungs: &[Rung]) -> Ladder {
        let mut ladder = Ladder { feature, attempts: Vec::new() };
        for rung in rungs {
            let error = self.load_and_attach(kernel, *rung).err();
            let live = error.is_none();
            ladder.attempts.push(Attempt { hook: rung.hook.to_string(), program: rung.program, error });
            if live {
                break;
            }
        }
        ladder
    }

    /// Attaches hooks that are only true together.
    pub fn climb_all(&mut self, kernel: &Kernel, hooks: &[(&'static str, Rung)]) -> Result<Vec<Ladder>, OpenError> {
        let mut features = Vec::with_capacity(hooks.len());
        for (feature, rung) in hooks {
            let ladder = self.climb(kernel, feature, &[*rung]);
            if ladder.live().is_none() {
                return Err(OpenError::NoHook(ladder.failures()));
            }
            features.push(ladder);
        }
        Ok(features)
    }

    fn load_and_attach(&mut self, kernel: &Kernel, rung: Rung) -> Result<(), String> {
        let program = self.ebpf.program_mut(rung.program).ok_or("the object has no such program")?;
        match (rung.hook, program) {
            (Hook::TpBtf(tracepoint), Program::BtfTracePoint(program)) => program.load(tracepoint, &kernel.btf),
            (Hook::CgroupSockCreate, Program::CgroupSock(program)) => program.load(),
            (Hook::IterTaskFile, Program::Iter(program)) => program.load("task_file", &kernel.btf),
            _ => return Err("the program is of another type".into()),
        }
        .map_err(|error| explain(&error))?;
        self.attach(rung)
    }

    fn attach(&mut self, rung: Rung) -> Result<(), String> {
        let link = match self.ebpf.program_mut(rung.program) {
            Some(Program::BtfTracePoint(program)) => {
                program.attach().and_then(|id| program.take_link(id)).map(Link::TpBtf).map_err(|e| explain(&e))?
            }
            Some(Program::CgroupSock(program)) => {
                let root = unified_root().ok_or("no unified (v2) cgroup hierarchy is mounted")?;
                let root = File::open(&root).map_err(|e| format!("{}: {e}", root.display()))?;
                // A BPF link always allows others beside it; flags are refused.
                let id = program.attach(root, CgroupAttachMode::Single);
                id.and_then(|id| program.take_link(id)).map(Link::CgroupSock).map_err(|e| explain(&e))?
            }
            Some(Program::Iter(program)) => {
                let link = program.attach().and_then(|id| program.take_link(id)).map_err(|e| explain(&e))?;
                let mut file = link.into_file().map_err(|e| e.to_string())?;
                // Reading runs the program over everything; it prints nothing.
                std::io::copy(&mut file, &mut std::io::sink()).map_err(|e| e.to_string())?;
                return Ok(());
            }
            _ => return Err("the program is of another type".into()),
        };
        self.attached.push((rung, link));
        Ok(())
    }

    /// Takes every program off its hook. They stay loaded, so that their cost can still be read.
    pub fn detach(&mut self) {
        for (rung, _) in self.attached.drain(..) {
            self.detached.push(rung);
        }
    }

    /// Moves a map out of the object, in the typed form its reader uses.
    pub fn take<T: TryFrom<Map, Error = aya::maps::MapError>>(&mut self, name: &'static str) -> Result<T, OpenError> {
        let map = self.ebpf.take_map(name).ok_or(OpenError::NoMap(name))?;
        T::try_from(map).map_err(|source| OpenError::Map { name, source })
    }

    /// What the live programs cost so far, from the kernel's own statistics.
    pub fn cost(&self) -> Cost {
        let mut cost = Cost::default();
        for rung in self.attached.iter().map(|(rung, _)| rung).chain(&self.detached) {
            let fd = match self.ebpf.program(rung.program).map(Program::fd) {
                Some(Ok(fd)) => fd.as_fd().as_raw_fd(),
                _ => continue,
            };
            cost.run_ns += fdinfo::value(fd, "run_time_ns").unwrap_or(0);
            cost.runs += fdinfo::value(fd, "run_cnt").unwrap_or(0);
            cost.misses += fdinfo::value(fd, "recursion_misses").unwrap_or(0);
        }
        cost
    }

    /// Sizes of all maps; call it before maps are taken.
    pub fn map_sizes(&self) -> Vec<MapSize> {
        let sizes =
            self.ebpf.maps().filter_map(|(name, map)| Some(MapSize { name: name.into(), bytes: map_bytes(map)? }));
        let mut sizes: Vec<_> = sizes.collect();
        sizes.sort_by(|a, b| a.name.cmp(&b.name));
        sizes
    }
}

/// The kernel's "memlock" of a map; storage maps count what sockets and tasks hold elsewhere.
fn map_bytes(map: &Map) -> Option<u64> {
    let data = match map {
        Map::Array(data) | Map::PerCpuArray(data) | Map::HashMap(data) | Map::LruHashMap(data) => data,
        Map::RingBuf(data) | Map::SkStorage(data) => data,
        Map::Unsupported(data) => data,
        _ => return None,
    };
    let fd = data.fd().as_fd().as_raw_fd();
    // Older kernels show 0 for a ring.
    match (map, fdinfo::value(fd, "memlock")) {
        (Map::RingBuf(_), Some(0)) => fdinfo::value(fd, "max_entries"),
        (_, bytes) => bytes,
    }
}

/// Where the unified hierarchy is mounted: v2 or hybrid.
fn unified_root() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let mount =
        mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|m| m.get(2) == Some(&"cgroup2"))?;
    mount.get(1).map(PathBuf::from)
}

/// The verifier's last words instead of its whole log.
fn explain(error: &ProgramError) -> String {
    let ProgramError::LoadError { io_error, verifier_log } = error else {
        return std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ");
    };
    let log = verifier_log.to_string();
    // What it counted comes last.
    let counted = |line: &str| ["processed", "stack depth", "verification time"].iter().any(|c| line.starts_with(c));
    let last = log.lines().rev().find(|line| !line.is_empty() && !counted(line));
    match last {
        Some(line) => format!("{io_error} ({line})"),
        None => io_error.to_string(),
    }
}
