//! Kernel stamps (CLOCK_MONOTONIC) to wall-clock time.

use std::time::{Duration, Instant};

/// A pair is used no longer than this, so that a stepped or slewed clock is followed. Taking one costs under a
/// microsecond and happens only when stamps come in, so there is no need to watch for steps.
const PAIR_EVERY: Duration = Duration::from_millis(100);
/// Of several tries the one with the least time between the two readings is the truest.
const TRIES: usize = 5;

/// The difference between CLOCK_REALTIME and CLOCK_MONOTONIC, kept fresh.
#[derive(Debug)]
pub struct Clock {
    offset_ns: i64,
    paired: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { offset_ns: offset_ns(), paired: Instant::now() }
    }
}

impl Clock {
    /// The wall-clock time of a kernel stamp, in nanoseconds since 1970.
    pub fn unix_ns(&mut self, mono_ns: u64) -> u64 {
        if self.paired.elapsed() >= PAIR_EVERY {
            *self = Self::default();
        }
        mono_ns.saturating_add_signed(self.offset_ns)
    }

    /// The time now, by the same pair of clocks.
    pub fn now_unix_ns(&mut self) -> u64 {
        let now = read(libc::CLOCK_MONOTONIC);
        self.unix_ns(now)
    }
}

fn offset_ns() -> i64 {
    let one = || {
        let before = read(libc::CLOCK_MONOTONIC);
        let real = read(libc::CLOCK_REALTIME);
        let after = read(libc::CLOCK_MONOTONIC);
        (after - before, real as i64 - (before + (after - before) / 2) as i64)
    };
    (0..TRIES).map(|_| one()).min().map_or(0, |(_, offset)| offset)
}

/// CLOCK_TAI less CLOCK_REALTIME: whole seconds, 0 where nobody told the kernel. BPF programs can read only the former.
pub(crate) fn tai_ahead_ns() -> i64 {
    const SECOND: i64 = 1_000_000_000;
    let apart = read(libc::CLOCK_TAI) as i64 - read(libc::CLOCK_REALTIME) as i64;
    (apart + SECOND / 2).div_euclid(SECOND) * SECOND
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec, and these clocks always exist.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
