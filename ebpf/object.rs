//! Loading objects, attaching their programs, isolated failure.

use std::any::Any;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;

use aya::maps::{Map, MapError};
use aya::programs::cgroup_sock::CgroupSockLink;
use aya::programs::fexit::FExitLink;
use aya::programs::tp_btf::BtfTracePointLink;
use aya::programs::{CgroupAttachMode, Program, ProgramError};
use aya::{Btf, Ebpf, EbpfLoader};

use crate::cost::{Cost, CostMeter};
use crate::cpu_clock::{ClockError, CpuClocks};
use crate::fdinfo;
use crate::ladder::{Attempt, Hook, Ladder, Rung};
use crate::probe::{MapSize, Report};
use crate::storage_iterator::StorageIterator;

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
        name: String,
        /// What the kernel or the loader said.
        source: MapError,
    },
    /// A map the reader needs is not in the object.
    #[error("map {0} is not in the object")]
    NoMap(String),
    /// None of the hooks could be used.
    #[error("no hook could be used: {0}")]
    NoHook(String),
    /// The ring could not be watched.
    #[error("cannot watch the ring: {0}")]
    Ring(#[from] std::io::Error),
}

impl OpenError {
    /// A fault of the map `name`.
    pub(crate) fn of_map(name: &str) -> impl FnOnce(MapError) -> Self {
        move |source| Self::Map { name: name.into(), source }
    }
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

    /// Creates the maps of `probe`'s object; programs are loaded one by one as their ladder is climbed.
    pub(crate) fn load(&mut self, probe: &'static str, object: &[u8]) -> Result<Object, OpenError> {
        self.load_sized(probe, object, &[])
    }

    /// As [`Kernel::load`], with other numbers of entries in some maps, which have their names from their probe.
    pub(crate) fn load_sized(
        &mut self,
        probe: &'static str,
        object: &[u8],
        entries: &[(&'static str, u32)],
    ) -> Result<Object, OpenError> {
        for (map, entries) in entries {
            self.loader.map_max_entries(map, *entries);
        }
        let ebpf = self.loader.load(object)?;
        let maps = map_sizes(&ebpf);
        Ok(Object { probe, ebpf, maps, features: Vec::new(), attached: Vec::new(), detached: Vec::new(), held: None })
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
enum Link {
    #[expect(dead_code, reason = "held for what dropping it does")]
    TpBtf(BtfTracePointLink),
    #[expect(dead_code, reason = "held for what dropping it does")]
    FExit(FExitLink),
    #[expect(dead_code, reason = "held for what dropping it does")]
    CgroupSock(CgroupSockLink),
    Sockets(StorageIterator),
    CpuClocks(CpuClocks),
}

/// A loaded object with what is attached of it. Dropping it detaches and unloads everything.
pub struct Object {
    probe: &'static str,
    ebpf: Ebpf,
    maps: Vec<MapSize>,
    features: Vec<Ladder>,
    attached: Vec<(Rung, Link)>,
    detached: Vec<Rung>,
    held: Option<Box<dyn Any + Send>>,
}

impl Object {
    /// Attaches the first rung that works, and names its program. Failures stay with this feature.
    pub(crate) fn climb(&mut self, kernel: &Kernel, feature: &'static str, rungs: &[Rung]) -> Option<&'static str> {
        let mut ladder = Ladder { feature, attempts: Vec::new() };
        for rung in rungs {
            let error = self.load_and_attach(kernel, *rung).err();
            let live = error.is_none();
            ladder.attempts.push(Attempt { hook: rung.hook.to_string(), program: rung.program, error });
            if live {
                break;
            }
        }
        let live = ladder.live().map(|attempt| attempt.program);
        self.features.push(ladder);
        live
    }

    /// Like [`Self::climb`], for a feature without which the probe sees nothing.
    pub(crate) fn must_climb(
        &mut self,
        kernel: &Kernel,
        feature: &'static str,
        rungs: &[Rung],
    ) -> Result<&'static str, OpenError> {
        self.climb(kernel, feature, rungs).ok_or_else(|| self.no_hook())
    }

    /// Attaches hooks that are only true together.
    pub(crate) fn climb_all(&mut self, kernel: &Kernel, hooks: &[(&'static str, Rung)]) -> Result<(), OpenError> {
        hooks.iter().try_for_each(|(feature, rung)| self.must_climb(kernel, feature, &[*rung]).map(drop))
    }

    /// What every feature that is not live says.
    pub(crate) fn no_hook(&self) -> OpenError {
        let failed = self.features.iter().filter(|ladder| ladder.live().is_none());
        OpenError::NoHook(failed.map(Ladder::failures).collect::<Vec<_>>().join("; "))
    }

    /// Keeps something until the programs are taken off their hooks.
    pub(crate) fn hold(&mut self, held: impl Any + Send) {
        self.held = Some(Box::new(held));
    }

    /// What `doctor` shows.
    pub(crate) fn report(&self) -> Report {
        Report { probe: self.probe, features: self.features.clone(), maps: self.maps.clone(), exact: true }
    }

    fn load_and_attach(&mut self, kernel: &Kernel, rung: Rung) -> Result<(), String> {
        let program = self.ebpf.program_mut(rung.program).ok_or("the object has no such program")?;
        match (rung.hook, program) {
            (Hook::TpBtf(tracepoint), Program::BtfTracePoint(program)) => program.load(tracepoint, &kernel.btf),
            (Hook::FExit(function), Program::FExit(program)) => program.load(function, &kernel.btf),
            (Hook::CgroupSockCreate, Program::CgroupSock(program)) => program.load(),
            (Hook::IterTaskFile, Program::Iter(program)) => program.load("task_file", &kernel.btf),
            (Hook::IterStorage(_), Program::Iter(program)) => program.load("bpf_sk_storage_map", &kernel.btf),
            (Hook::CpuClock { .. }, Program::PerfEvent(program)) => program.load(),
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
            Some(Program::PerfEvent(program)) if let Hook::CpuClock { period_ns } = rung.hook => {
                let mut clocks = CpuClocks::default();
                clocks.follow(program, period_ns).map_err(|e| e.to_string())?;
                Link::CpuClocks(clocks)
            }
            Some(Program::FExit(program)) => {
                program.attach().and_then(|id| program.take_link(id)).map(Link::FExit).map_err(|e| explain(&e))?
            }
            Some(Program::CgroupSock(program)) => {
                let root = unified_root().ok_or("no unified (v2) cgroup hierarchy is mounted")?;
                let root = File::open(&root).map_err(|e| format!("{}: {e}", root.display()))?;
                // A BPF link always allows others beside it; flags are refused.
                let id = program.attach(root, CgroupAttachMode::Single);
                id.and_then(|id| program.take_link(id)).map(Link::CgroupSock).map_err(|e| explain(&e))?
            }
            Some(Program::Iter(_)) if let Hook::IterStorage(map) = rung.hook => {
                Link::Sockets(self.over_storage(rung.program, map)?)
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

    fn over_storage(&self, program: &str, map: &str) -> Result<StorageIterator, String> {
        let map = match self.ebpf.map(map) {
            Some(Map::SkStorage(data)) => data.fd(),
            _ => return Err("the object has no such socket storage".into()),
        };
        let program = self.ebpf.program(program).ok_or("the object has no such program")?;
        let program = program.fd().map_err(|e| explain(&e))?;
        StorageIterator::attach(program.as_fd(), map.as_fd()).map_err(|e| e.to_string())
    }

    /// Runs a program that visits sockets, once over all of them; nothing where it is not attached.
    pub(crate) fn visit_sockets(&self, program: &str) -> std::io::Result<()> {
        self.attached.iter().filter(|(rung, _)| rung.program == program).try_for_each(|(_, link)| match link {
            Link::Sockets(iterator) => iterator.run(),
            Link::TpBtf(_) | Link::FExit(_) | Link::CgroupSock(_) | Link::CpuClocks(_) => Ok(()),
        })
    }

    /// Starts the timers of CPUs that came online.
    pub(crate) fn follow_cpus(&mut self) -> Result<(), ClockError> {
        for (rung, link) in &mut self.attached {
            if let (Hook::CpuClock { period_ns }, Link::CpuClocks(clocks)) = (rung.hook, link)
                && let Some(Program::PerfEvent(program)) = self.ebpf.program_mut(rung.program)
            {
                clocks.follow(program, period_ns)?;
            }
        }
        Ok(())
    }

    /// Takes every program off its hook. They stay loaded, so that their cost can still be read.
    pub(crate) fn detach(&mut self) {
        self.detached.extend(self.attached.drain(..).map(|(rung, _)| rung));
        self.held = None;
    }

    /// Moves a map out of the object, in the typed form its reader uses.
    pub(crate) fn take<T: TryFrom<Map, Error = MapError>>(&mut self, name: &str) -> Result<T, OpenError> {
        let map = self.ebpf.take_map(name).ok_or_else(|| OpenError::NoMap(name.into()))?;
        T::try_from(map).map_err(OpenError::of_map(name))
    }

    /// What the programs cost so far that are or were on a hook.
    pub(crate) fn cost(&self) -> Cost {
        Cost::of(self.program_fds())
    }

    /// Reads the same without the object. A descriptor that cannot be had is left out.
    pub(crate) fn cost_meter(&self) -> CostMeter {
        CostMeter(self.program_fds().filter_map(|fd| fd.try_clone_to_owned().ok()).collect())
    }

    fn program_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let rungs = self.attached.iter().map(|(rung, _)| rung).chain(&self.detached);
        rungs.filter_map(|rung| Some(self.ebpf.program(rung.program)?.fd().ok()?.as_fd()))
    }
}

/// Sizes of all maps, by name.
fn map_sizes(ebpf: &Ebpf) -> Vec<MapSize> {
    let sizes = ebpf.maps().filter_map(|(name, map)| Some(MapSize { name: name.into(), bytes: map_bytes(map)? }));
    let mut sizes: Vec<_> = sizes.collect();
    sizes.sort_by(|a, b| a.name.cmp(&b.name));
    sizes
}

/// The kernel's "memlock" of a map; storage maps count what sockets and tasks hold elsewhere.
fn map_bytes(map: &Map) -> Option<u64> {
    let data = match map {
        Map::Array(data) | Map::PerCpuArray(data) | Map::HashMap(data) | Map::LruHashMap(data) => data,
        Map::PerCpuHashMap(data) | Map::PerCpuLruHashMap(data) | Map::RingBuf(data) | Map::SkStorage(data) => data,
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
