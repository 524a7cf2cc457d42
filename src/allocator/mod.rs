//! The system's allocator, with a count of the bytes in use: what `memory_limiter` measures; and, while somebody wants
//! that, with samples of who asked for them.

pub mod samples;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes asked for and not given back.
static LIVE_BYTES: AtomicU64 = AtomicU64::new(0);

/// Freed memory at the end of an arena is given back to the kernel from this size on.
#[cfg(target_env = "gnu")]
const KEPT_BYTES: libc::c_int = 8 << 20;
/// Blocks of this size are mapped by themselves.
#[cfg(target_env = "gnu")]
const MAPPED_BYTES: libc::c_int = 4 << 20;

/// Lets glibc keep what one request needs for the next. By default it may give the end of an arena back after each
/// request, and every page that comes anew costs a fault: a third of all CPU time of a pipeline that copies.
pub fn keep_freed_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: both options take any number, and there are no other threads yet. Where one is refused nothing changes.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES);
    }
}

/// How many bytes are allocated now.
pub fn live_bytes() -> u64 {
    LIVE_BYTES.load(Ordering::Relaxed)
}

struct Counting;

impl Counting {
    fn count(pointer: *mut u8, freed: usize, allocated: usize) -> *mut u8 {
        if !pointer.is_null() {
            // Modulo 2^64, so that one addition does for growing and shrinking.
            LIVE_BYTES.fetch_add((allocated as u64).wrapping_sub(freed as u64), Ordering::Relaxed);
        }
        pointer
    }
}

// Not inlined: there are tens of thousands of calls, and the code of each would be a fifth of the program.
//
// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of GlobalAlloc.
        let pointer = Self::count(unsafe { System.alloc(layout) }, 0, layout.size());
        samples::allocated(pointer, layout.size());
        pointer
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of GlobalAlloc.
        let pointer = Self::count(unsafe { System.alloc_zeroed(layout) }, 0, layout.size());
        samples::allocated(pointer, layout.size());
        pointer
    }

    #[inline(never)]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        samples::freed(pointer);
        // SAFETY: the caller keeps the contract of GlobalAlloc.
        let pointer = Self::count(unsafe { System.realloc(pointer, layout, size) }, layout.size(), size);
        samples::allocated(pointer, size);
        pointer
    }

    #[inline(never)]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Before somebody else can have it.
        samples::freed(pointer);
        // SAFETY: the caller keeps the contract of GlobalAlloc.
        unsafe { System.dealloc(pointer, layout) };
        Self::count(pointer, layout.size(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::live_bytes;

    /// Far more than other tests move meanwhile.
    const LARGE: usize = 256 << 20;

    #[test]
    fn what_is_allocated_grown_and_freed_is_counted() {
        let before = live_bytes();
        let mut bytes: Vec<u8> = Vec::with_capacity(LARGE);
        assert!(live_bytes().wrapping_sub(before) >= LARGE as u64 / 2);
        bytes.reserve_exact(2 * LARGE);
        assert!(live_bytes().wrapping_sub(before) >= LARGE as u64 * 3 / 2);
        drop(bytes);
        assert!(live_bytes().saturating_sub(before) < LARGE as u64 / 2);
    }
}
