//! The one process that is to be sampled.

use procfs::process::{ProcState, Process};

/// Whether it runs. One that has ended is there until its parent has asked for its exit code, but has no thread left.
pub fn lives(pid: u32) -> bool {
    let Some(process) = open(pid) else {
        return false;
    };
    match process.stat().and_then(|stat| stat.state()) {
        Ok(ProcState::Zombie | ProcState::Dead) => process.tasks().is_ok_and(|tasks| tasks.count() > 1),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// The process that a thread belongs to; `None` for the id of a process.
pub fn owner_of_thread(id: u32) -> Option<u32> {
    let owner = u32::try_from(open(id)?.status().ok()?.tgid).ok()?;
    (owner != id).then_some(owner)
}

/// The file that it executes.
pub fn executable(pid: u32) -> Option<String> {
    Some(open(pid)?.exe().ok()?.to_str()?.to_owned())
}

fn open(pid: u32) -> Option<Process> {
    Process::new(i32::try_from(pid).ok()?).ok()
}
