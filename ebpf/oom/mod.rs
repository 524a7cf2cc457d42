//! Processes that the kernel killed for want of memory: who, how large, and who had asked for memory.
//!
//! Hook: `oom:mark_victim`. Since 6.9 it hands over the victim's task; before, only its id, and the victim is
//! described when the killer, in the same task, sends it SIGKILL just before.

use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::counters::Rate;
use crate::events::{EventProbe, Events, Record};
use crate::ladder::{Hook, Rung};
use crate::object::{Kernel, OpenError};
use crate::owner::{Cgroups, RawOwner, Task};
use crate::probe::Probe;
use crate::ring::Header;

#[cfg(test)]
mod tests;

const BY_PID: &str = "oom_pid";
const KILLS: [Rung; 2] = [
    Rung { program: "oom_task", hook: Hook::TpBtf("mark_victim") },
    Rung { program: BY_PID, hook: Hook::TpBtf("mark_victim") },
];
const VICTIMS: [Rung; 1] = [Rung { program: "oom_signal", hook: Hook::TpBtf("signal_generate") }];

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many kills a second become records.
    pub rate: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: Rate { per_second: 100, burst: 200 } }
    }
}

/// One kill; `struct oom_kill` of record.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
pub struct Kill {
    /// When and where it was written.
    pub header: Header,
    victim: RawOwner,
    trigger: RawOwner,
    total_vm_pages: u64,
    anon_pages: u64,
    file_pages: u64,
    shmem_pages: u64,
    page_table_bytes: u64,
    uid: u32,
    oom_score_adj: i16,
    known: u16,
}

const _: () = assert!(size_of::<Kill>() == 152, "record.h has the same assertion");

/// `enum victim_knowledge` of record.h.
const KNOWN_TASK: u16 = 1;
const KNOWN_MEMORY: u16 = 2;

/// Who was killed, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// Name and cgroups.
    pub task: Task,
    /// Its real user.
    pub uid: u32,
    /// How much more or less than others it was to be chosen, from -1000 to 1000.
    pub oom_score_adj: i16,
    /// How large it was; `None` when its memory was already going.
    pub memory: Option<Memory>,
}

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Address space.
    pub total_vm: u64,
    /// Anonymous memory that was there.
    pub anon: u64,
    /// Pages of files that were there.
    pub file: u64,
    /// Shared memory that was there.
    pub shmem: u64,
    /// Page tables.
    pub page_tables: u64,
}

impl Memory {
    /// Everything that was there.
    pub fn resident(&self) -> u64 {
        self.anon + self.file + self.shmem
    }
}

impl Kill {
    /// The victim's process id in the root pid namespace; of its thread, when nothing else is known of it.
    pub fn pid(&self) -> u32 {
        self.victim.pid
    }

    /// The victim; `None` when the kernel named it only by an id that nothing led to.
    pub fn victim(&self) -> Option<Victim> {
        let victim = || Victim {
            task: self.victim.task(),
            uid: self.uid,
            oom_score_adj: self.oom_score_adj,
            memory: self.memory(),
        };
        (self.known & KNOWN_TASK != 0).then(victim)
    }

    fn memory(&self) -> Option<Memory> {
        // SAFETY: no pointer is passed, and this name is always known.
        let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
        (self.known & KNOWN_MEMORY != 0).then(|| Memory {
            total_vm: self.total_vm_pages * page,
            anon: self.anon_pages * page,
            file: self.file_pages * page,
            shmem: self.shmem_pages * page,
            page_tables: self.page_table_bytes,
        })
    }

    /// The cgroups of the victim.
    pub fn cgroups(&self) -> Option<Cgroups> {
        self.victim().map(|victim| victim.task.cgroups)
    }

    /// The task that asked for memory when there was none left. Often, but not always, the victim itself.
    pub fn trigger(&self) -> Task {
        self.trigger.task()
    }
}

impl Record for Kill {
    fn header(&self) -> &Header {
        &self.header
    }
}

/// The open probe.
pub struct Oom(Events<Kill>);

impl Oom {
    /// Loads and attaches it; needs a tokio runtime.
    ///
    /// # Errors
    /// What is missing on this kernel.
    pub fn open(kernel: &mut Kernel, settings: Settings) -> Result<Self, OpenError> {
        let mut probe = Self(Events::load(kernel, "oom", crate::object_bytes!("oom"), settings.rate)?);
        let object = probe.object_mut();
        // Without it a victim is known by its id only.
        if object.must_climb(kernel, "kills", &KILLS)? == BY_PID {
            object.climb(kernel, "victims", &VICTIMS);
        }
        Ok(probe)
    }
}

impl EventProbe for Oom {
    type Record = Kill;

    fn events(&self) -> &Events<Kill> {
        &self.0
    }

    fn events_mut(&mut self) -> &mut Events<Kill> {
        &mut self.0
    }
}
