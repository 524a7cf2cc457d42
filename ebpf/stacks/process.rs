//! Processes whose stacks are read: their mappings, files and generated code.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Addresses;
use super::binary::{Binaries, Binary};
use super::frame::Mapping;
use super::maps::{self, Region};
use super::perf_map::PerfMap;

/// Processes remembered at once; those that were not sampled for the longest time go first.
const KEPT: usize = 1024;
/// How long one is remembered after its last sample; its files stay open as long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// How often the mappings of a process that runs on are read again although they seem complete.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// What is known of one process.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    regions: Vec<Region>,
    places: Vec<Place>,
    perf_map: PerfMap,
    /// How code that was compiled at run time is called, by the program that runs.
    runtime: Option<&'static str>,
    read: Instant,
    used: Instant,
}

/// What lies at an address.
#[derive(Clone, Debug)]
pub enum Spot {
    /// No mapping of the process, as far as it is known.
    Nowhere,
    /// A mapping, and so many bytes into its file.
    Mapped(Place, u64),
    /// A function that was compiled at run time, and by which runtime.
    Generated(Arc<Mapping>, Arc<str>, Option<&'static str>),
}

/// A region with its file.
#[derive(Clone, Debug)]
pub struct Place {
    /// As it goes out.
    pub mapping: Arc<Mapping>,
    /// Its file, where that could be opened.
    pub binary: Option<Arc<Binary>>,
    /// Whether a compiler at run time may have written the code.
    pub is_generated: bool,
}

impl Process {
    /// Reads what the kernel tells of it. `None` when it is gone, or has no address space.
    fn read(pid: u32, binaries: &mut Binaries) -> Option<Self> {
        let text = std::fs::read(format!("/proc/{pid}/maps")).ok()?;
        let regions = maps::parse(&String::from_utf8_lossy(&text));
        if regions.is_empty() {
            return None;
        }
        let places = regions.iter().map(|region| Place::new(pid, region, binaries)).collect();
        let now = Instant::now();
        let mut process =
            Self { pid, regions, places, perf_map: PerfMap::default(), runtime: runtime(pid), read: now, used: now };
        process.follow_perf_map();
        Some(process)
    }

    /// Reads what compilers have written since; does nothing where none did.
    fn follow_perf_map(&mut self) {
        if self.places.iter().any(|place| place.is_generated)
            && let Some(file) = open_perf_map(self.pid)
            && let Err(error) = self.perf_map.follow(file)
        {
            tracing::debug!(pid = self.pid, %error, "the map of generated code cannot be read");
        }
    }

    fn place(&self, address: u64) -> Option<&Place> {
        self.places.get(maps::find(&self.regions, address)?)
    }

    fn spot(&self, address: u64) -> Spot {
        let Some(place) = self.place(address) else {
            return Spot::Nowhere;
        };
        match self.perf_map.find(address).filter(|_| place.is_generated) {
            Some(name) => Spot::Generated(place.mapping.clone(), name.clone(), self.runtime),
            None => Spot::Mapped(place.clone(), address - place.mapping.start + place.mapping.offset),
        }
    }
}

impl Place {
    fn new(pid: u32, region: &Region, binaries: &mut Binaries) -> Self {
        // The exact file, also when it was deleted, or lies in a mount namespace of the process's own.
        let open = || File::open(format!("/proc/{pid}/map_files/{}", region.entry())).ok();
        let binary = region.file.as_ref().and_then(|id| binaries.get(id, open));
        let of_binary = |id: fn(&Binary) -> &Option<Arc<str>>| binary.as_deref().and_then(|binary| id(binary).clone());
        let mapping = Mapping {
            start: region.start,
            limit: region.limit,
            offset: region.offset,
            file: if region.name.is_empty() { "//anon".into() } else { region.name.clone() },
            build_id: of_binary(|binary| &binary.build_id),
            go_build_id: of_binary(|binary| &binary.go_build_id),
        };
        Self { mapping: Arc::new(mapping), binary, is_generated: region.is_generated() }
    }
}

/// What a virtual machine's compiled code is called, by the file name of its program.
fn runtime(pid: u32) -> Option<&'static str> {
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    match program.file_name()?.to_str()? {
        name if name.starts_with("java") => Some("jvm"),
        name if name.starts_with("node") => Some("v8js"),
        name if name.starts_with("python") => Some("cpython"),
        name if name.starts_with("dotnet") => Some("dotnet"),
        _ => None,
    }
}

/// `/tmp/perf-PID.map` as the process sees it, by the id that it has in its own pid namespace.
fn open_perf_map(pid: u32) -> Option<File> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let own = ids.and_then(|ids| ids.split_whitespace().last()?.parse().ok()).unwrap_or(pid);
    let root = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_DIRECTORY)
        .open(format!("/proc/{pid}/root"))
        .ok()?;
    let file = open_below(&root, &format!("tmp/perf-{own}.map"))?;
    // A pipe or device of that name is no map.
    file.metadata().ok()?.is_file().then_some(file)
}

/// Opens a path with another root, so that a link in it cannot lead to files of the host.
fn open_below(root: &File, path: &str) -> Option<File> {
    let path = CString::new(path).ok()?;
    // SAFETY: `open_how` is three numbers, for which zero is valid.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK) as u64;
    how.resolve = libc::RESOLVE_IN_ROOT;
    // SAFETY: the path ends with a zero byte and `how` is as long as is said; the kernel only reads both.
    let fd =
        unsafe { libc::syscall(libc::SYS_openat2, root.as_raw_fd(), path.as_ptr(), &raw const how, size_of_val(&how)) };
    if fd < 0 {
        return None;
    }
    // SAFETY: a descriptor that was just opened and that nobody else knows.
    Some(unsafe { OwnedFd::from_raw_fd(fd as i32) }.into())
}

/// All processes that were sampled lately.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<u32, Process>,
    /// The files of all of them.
    binaries: Binaries,
}

impl Processes {
    /// Reads a process that is new, or runs another program now. One that is gone by now stays as it was.
    pub fn learn(&mut self, pid: u32) {
        if let Some(process) = Process::read(pid, &mut self.binaries) {
            self.make_room();
            self.known.insert(pid, process);
        }
    }

    /// What lies at each address of a stack, leaf first. The process is read again when one of them lies in none of its
    /// mappings or these are old.
    pub fn look_up(&mut self, stack: &Addresses) -> Vec<(u64, Spot)> {
        let Addresses { pid, addresses } = stack;
        // A caller's address is behind its call, maybe in the next function.
        let inside = |(depth, address): (usize, &u64)| address.saturating_sub(u64::from(depth > 0));
        let inside: Vec<u64> = addresses.iter().enumerate().map(inside).collect();
        let is_complete = self.known.get(pid).is_some_and(|process| {
            let all_mapped = || inside.iter().all(|address| process.place(*address).is_some());
            process.read.elapsed() < READ_AGAIN_AFTER && all_mapped()
        });
        if !is_complete {
            self.read_again(*pid);
        }
        let Some(process) = self.known.get_mut(pid) else {
            return addresses.iter().map(|address| (*address, Spot::Nowhere)).collect();
        };
        process.used = Instant::now();
        let is_generated = |address: &u64| process.place(*address).is_some_and(|place| place.is_generated);
        if is_complete && inside.iter().any(is_generated) {
            process.follow_perf_map();
        }
        addresses.iter().zip(inside).map(|(address, inside)| (*address, process.spot(inside))).collect()
    }

    fn read_again(&mut self, pid: u32) {
        let before = self.known.get_mut(&pid).map(|process| {
            // Not again at the next sample: an address outside every mapping is mostly no address.
            process.read = Instant::now();
            std::mem::take(&mut process.perf_map)
        });
        self.learn(pid);
        if let (Some(before), Some(process)) = (before, self.known.get_mut(&pid)) {
            process.perf_map = before;
            process.follow_perf_map();
        }
    }

    fn make_room(&mut self) {
        while self.known.len() >= KEPT {
            let Some(oldest) = self.known.values().min_by_key(|process| process.used).map(|process| process.pid) else {
                return;
            };
            self.known.remove(&oldest);
        }
    }

    /// Forgets processes that were not sampled for a while.
    pub fn forget(&mut self) {
        self.known.retain(|_, process| process.used.elapsed() < FORGOTTEN_AFTER);
        self.binaries.close_unused();
    }
}
