//! Samples as the kernel counts them, and as the rest of the program sees them.

use crate::fields::text;
use crate::owner::{RawOwner, Task};

/// `MAX_FRAMES` of record.h.
const MAX_FRAMES: usize = 127;

/// `struct sample_key` of record.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Key {
    process: u32,
    thread: u32,
    stack: u64,
    pub round: u32,
    reserved: u32,
}

/// `struct sample` of record.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct RawSample {
    owner: RawOwner,
    process_name: [u8; 16],
    count: u64,
    kernel_frames: u32,
    user_frames: u32,
    kernel: [u64; MAX_FRAMES],
    user: [u64; MAX_FRAMES],
}

const _: () = assert!(size_of::<Key>() == 24, "record.h has the same assertion");
const _: () = assert!(size_of::<RawSample>() == 40 + 16 + 16 + 16 * MAX_FRAMES, "record.h has the same assertion");

// SAFETY: numbers without padding; every bit pattern is valid.
unsafe impl aya::Pod for Key {}
// SAFETY: as above.
unsafe impl aya::Pod for RawSample {}

/// One thread with one stack, and how often it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The process, with its main thread's name.
    pub process: Task,
    /// Thread id in the root pid namespace.
    pub thread: u32,
    /// The thread's name.
    pub thread_name: String,
    /// How often.
    pub count: u64,
    /// Addresses in the kernel, leaf first; empty when it ran in user mode.
    pub kernel: Vec<u64>,
    /// Addresses in the process, leaf first; empty for kernel threads.
    pub user: Vec<u64>,
    /// Whether callers are missing because the stack was deeper than the kernel follows.
    pub truncated: bool,
}

impl Sample {
    pub(super) fn new(key: &Key, raw: &RawSample) -> Self {
        let taken = |frames: &[u64; MAX_FRAMES], count: u32| frames[..MAX_FRAMES.min(count as usize)].to_vec();
        let thread = raw.owner.task();
        Self {
            process: Task { pid: key.process, comm: text(&raw.process_name), cgroups: thread.cgroups },
            thread: key.thread,
            thread_name: thread.comm,
            count: raw.count,
            kernel: taken(&raw.kernel, raw.kernel_frames),
            user: taken(&raw.user, raw.user_frames),
            truncated: raw.kernel_frames.max(raw.user_frames) as usize >= MAX_FRAMES,
        }
    }
}
