//! Numbers the kernel shows about BPF file descriptors.

use std::os::fd::RawFd;

/// The value of `key` in `/proc/self/fdinfo/FD`.
pub(crate) fn value(fd: RawFd, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.trim().parse().ok()
}
