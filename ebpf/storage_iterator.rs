//! Running a program over every socket that has storage in a map. aya attaches iterators without parameters only.

use std::fs::File;
use std::io::{Error, Result};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

const BPF_LINK_CREATE: libc::c_long = 28;
const BPF_ITER_CREATE: libc::c_long = 33;
const BPF_TRACE_ITER: u32 = 28;

/// `union bpf_iter_link_info` of <linux/bpf.h>, for maps.
#[repr(C)]
struct LinkInfo {
    map_fd: u32,
}

/// `bpf_attr.link_create` of <linux/bpf.h>, for iterators.
#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    info: u64,
    info_bytes: u32,
    reserved: u32,
}

/// `bpf_attr.iter_create` of <linux/bpf.h>.
#[repr(C)]
struct IterCreate {
    link_fd: u32,
    flags: u32,
}

/// A program with the map whose sockets it visits. Dropping it takes the program off.
pub(crate) struct StorageIterator(OwnedFd);

impl StorageIterator {
    /// `program` is loaded for `bpf_sk_storage_map`.
    pub fn attach(program: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<Self> {
        let info = LinkInfo { map_fd: number(map) };
        let attributes = LinkCreate {
            prog_fd: number(program),
            target_fd: 0,
            attach_type: BPF_TRACE_ITER,
            flags: 0,
            info: (&raw const info) as u64,
            info_bytes: size_of::<LinkInfo>() as u32,
            reserved: 0,
        };
        bpf(BPF_LINK_CREATE, &attributes).map(Self)
    }

    /// Visits every socket once.
    pub fn run(&self) -> Result<()> {
        let attributes = IterCreate { link_fd: number(self.0.as_fd()), flags: 0 };
        let mut file = File::from(bpf(BPF_ITER_CREATE, &attributes)?);
        // Reading is what runs it; it prints nothing.
        std::io::copy(&mut file, &mut std::io::sink()).map(drop)
    }
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    // Open descriptors are not negative.
    fd.as_raw_fd().unsigned_abs()
}

/// A call that returns a new descriptor.
fn bpf<T>(command: libc::c_long, attributes: &T) -> Result<OwnedFd> {
    // SAFETY: the attributes live through the call and their size is passed; the kernel takes the rest as zero.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size_of::<T>()) };
    match i32::try_from(fd) {
        // SAFETY: the kernel has just opened it for this process, and nobody else knows it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(Error::last_os_error()),
    }
}
