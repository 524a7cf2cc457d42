//! A sample of what is allocated, and who asked for it: on the average one block in half a mebibyte.
//!
//! While nobody wants it, an allocation costs one load of a flag. While somebody does, every allocation counts its bytes
//! and every release looks at eight places for its block; only a block that is sampled has its stack taken, by the same
//! tables that a panic unwinds with. Nothing here allocates, so that it may run inside of an allocation.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

/// As Go's runtime.
pub const EVERY_BYTES: f64 = 512.0 * 1024.0;
/// Frames of a stack that are kept, those of the allocator included.
const FRAMES: usize = 64;
/// Where a block may be kept: one of the places of its row.
const ROWS: usize = 1024;
const PLACES: usize = 8;
/// Stands in a place that is being written.
const TAKEN: usize = 1;

static IS_ON: AtomicBool = AtomicBool::new(false);
/// Those who want it.
static WATCHERS: AtomicUsize = AtomicUsize::new(0);
/// Bytes until the next block is sampled.
static LEFT: AtomicI64 = AtomicI64::new(0);
static RANDOM: AtomicU64 = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
/// Whose the places are, a row in one line of the cache: each release looks at one. 0 is nobody.
static OWNERS: [Row; ROWS] = [const { Row([const { AtomicUsize::new(0) }; PLACES]) }; ROWS];
/// What is in them. Memory is only there for those that were ever used.
static BLOCKS: [[Block; PLACES]; ROWS] = [const { [const { Block::new() }; PLACES] }; ROWS];

thread_local! {
    /// Whether this thread is taking a stack. Needs no memory of its own and is never dropped.
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

#[repr(align(64))]
struct Row([AtomicUsize; PLACES]);

struct Block {
    size: AtomicUsize,
    depth: AtomicUsize,
    frames: [AtomicUsize; FRAMES],
}

/// A block that is allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its bytes.
    pub size: usize,
    /// Who asked for it, the innermost first.
    pub stack: Vec<u64>,
}

/// Sampling goes on until the last of these is dropped.
#[derive(Debug)]
pub struct Watch(());

/// Samples from now on.
pub fn watch() -> Watch {
    if WATCHERS.fetch_add(1, Ordering::AcqRel) == 0 {
        OWNERS.iter().flat_map(|row| &row.0).for_each(|owner| owner.store(0, Ordering::Relaxed));
        LEFT.store(gap(), Ordering::Relaxed);
        IS_ON.store(true, Ordering::Release);
    }
    Watch(())
}

impl Drop for Watch {
    fn drop(&mut self) {
        if WATCHERS.fetch_sub(1, Ordering::AcqRel) == 1 {
            IS_ON.store(false, Ordering::Release);
        }
    }
}

/// What is sampled and allocated now.
pub fn all() -> Vec<Sample> {
    let places = OWNERS.iter().flat_map(|row| &row.0).zip(BLOCKS.iter().flatten());
    places.filter_map(|(owner, block)| block.read(owner)).collect()
}

/// A block has been allocated.
#[inline]
pub fn allocated(pointer: *mut u8, size: usize) {
    if IS_ON.load(Ordering::Relaxed) {
        count(pointer, size);
    }
}

/// A block is about to be given back.
#[inline]
pub fn freed(pointer: *mut u8) {
    if IS_ON.load(Ordering::Relaxed) {
        forget(pointer);
    }
}

#[cold]
#[inline(never)]
fn count(pointer: *mut u8, size: usize) {
    let bytes = i64::try_from(size).unwrap_or(i64::MAX);
    if pointer.is_null() || LEFT.fetch_sub(bytes, Ordering::Relaxed) > bytes {
        return;
    }
    LEFT.store(gap(), Ordering::Relaxed);
    // At the end of a thread its flag may be gone; then there is no sample.
    let _ = IS_BUSY.try_with(|busy| {
        if !busy.replace(true) {
            keep(pointer, size);
            busy.set(false);
        }
    });
}

/// A block that finds no place is not sampled.
fn keep(pointer: *mut u8, size: usize) {
    let row = row(pointer);
    let free = |owner: &AtomicUsize| owner.compare_exchange(0, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok();
    let Some(place) = OWNERS[row].0.iter().position(free) else { return };
    let block = &BLOCKS[row][place];
    block.size.store(size, Ordering::Relaxed);
    block.depth.store(0, Ordering::Relaxed);
    let argument = std::ptr::from_ref(block).cast_mut().cast();
    // SAFETY: the callback is given the block back, which lives for ever, and does not unwind.
    unsafe { _Unwind_Backtrace(step, argument) };
    OWNERS[row].0[place].store(pointer as usize, Ordering::Release);
}

#[cold]
#[inline(never)]
fn forget(pointer: *mut u8) {
    let own = |owner: &&AtomicUsize| owner.load(Ordering::Relaxed) == pointer as usize;
    if let Some(owner) = OWNERS[row(pointer)].0.iter().find(own) {
        owner.store(0, Ordering::Release);
    }
}

fn row(pointer: *mut u8) -> usize {
    // Blocks are aligned to 16 bytes at least; Fibonacci hashing spreads the rest.
    let hash = (pointer as u64 >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    hash as usize % ROWS
}

/// Exponentially distributed, so that what is allocated at regular distances is not met always or never.
fn gap() -> i64 {
    let mut bits = RANDOM.load(Ordering::Relaxed);
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    RANDOM.store(bits, Ordering::Relaxed);
    let share = ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    (-share.ln() * EVERY_BYTES) as i64 + 1
}

impl Block {
    const fn new() -> Self {
        Self { size: AtomicUsize::new(0), depth: AtomicUsize::new(0), frames: [const { AtomicUsize::new(0) }; FRAMES] }
    }

    fn read(&self, owner: &AtomicUsize) -> Option<Sample> {
        let pointer = owner.load(Ordering::Acquire);
        if pointer <= TAKEN {
            return None;
        }
        let depth = self.depth.load(Ordering::Relaxed).min(FRAMES);
        let stack = self.frames[..depth].iter().map(|frame| frame.load(Ordering::Relaxed) as u64).collect();
        let sample = Sample { size: self.size.load(Ordering::Relaxed), stack };
        // Nobody else's meanwhile.
        (owner.load(Ordering::Acquire) == pointer).then_some(sample)
    }
}

/// `_URC_NO_REASON` goes on, `_URC_END_OF_STACK` ends.
extern "C" fn step(context: *mut c_void, block: *mut c_void) -> c_int {
    // SAFETY: it is what `keep` gave.
    let block = unsafe { &*block.cast::<Block>() };
    let depth = block.depth.load(Ordering::Relaxed);
    if depth == FRAMES {
        return 5;
    }
    // SAFETY: the unwinder's own context.
    block.frames[depth].store(unsafe { _Unwind_GetIP(context) }, Ordering::Relaxed);
    block.depth.store(depth + 1, Ordering::Relaxed);
    0
}

// The unwinder that every Rust program is linked with.
unsafe extern "C" {
    fn _Unwind_Backtrace(step: extern "C" fn(*mut c_void, *mut c_void) -> c_int, argument: *mut c_void) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
}

#[cfg(test)]
mod tests {
    use super::{all, watch};

    const SIZE: usize = 64 << 20;

    #[test]
    fn a_large_block_is_sampled_with_its_stack_while_somebody_watches_and_it_is_there() {
        let ours = || all().into_iter().filter(|sample| sample.size == SIZE).collect::<Vec<_>>();
        let before: Vec<u8> = Vec::with_capacity(SIZE);
        let watch = watch();
        assert!(ours().is_empty(), "what was there before is not known");
        let block: Vec<u8> = Vec::with_capacity(SIZE);
        let samples = ours();
        assert_eq!(samples.len(), 1);
        assert!(samples[0].stack.len() > 3, "{samples:?}");
        drop(block);
        drop(before);
        assert!(ours().is_empty());
        drop(watch);
        let block: Vec<u8> = Vec::with_capacity(SIZE);
        assert!(ours().is_empty());
        drop(block);
    }
}
