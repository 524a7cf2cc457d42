//! Records out of a probe's ring.

use std::os::fd::AsRawFd;

use aya::maps::{MapData, RingBuf};
use tokio::io::unix::AsyncFd;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// The record version that this reader knows.
pub(crate) const VERSION: u16 = 1;

/// First in every record; `struct event_header` of event.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
pub struct Header {
    /// Layout version.
    pub version: u16,
    /// Kind of record, within its probe.
    pub kind: u16,
    /// The CPU it was written on.
    pub cpu: u32,
    /// CLOCK_MONOTONIC, in nanoseconds.
    pub mono_ns: u64,
    /// Records of this probe that found no room so far, on that CPU.
    pub lost: u64,
}

/// The ring of one probe. Order holds within it, and only there.
pub struct Ring {
    ring: AsyncFd<RingBuf<MapData>>,
}

impl Ring {
    /// Watches the ring; needs a tokio runtime.
    pub(crate) fn new(ring: RingBuf<MapData>) -> std::io::Result<Self> {
        debug_assert!(ring.as_raw_fd() >= 0);
        // SAFETY: `RingBuf` owns its descriptor until it is dropped and always returns the same one.
        let ring = unsafe { AsyncFd::register(ring) }.map_err(std::io::Error::from)?;
        Ok(Self { ring })
    }

    /// Waits until there may be records.
    ///
    /// # Errors
    /// When the descriptor can no longer be watched.
    pub async fn readable(&mut self) -> std::io::Result<()> {
        // Readiness is cleared before the drain: a record that comes during it makes the ring readable again.
        self.ring.readable_mut().await?.clear_ready();
        Ok(())
    }

    /// Hands every record that is there to `take`, to the last.
    pub fn drain(&mut self, mut take: impl FnMut(&[u8])) {
        while let Some(record) = self.ring.get_mut().next() {
            take(&record);
        }
    }
}
