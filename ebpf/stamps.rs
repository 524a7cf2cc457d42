//! The kernel stamps received packets only while somebody asks for it.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Asks for stamps, for all network namespaces, until it is dropped.
#[derive(Debug)]
pub(crate) struct Stamps {
    _socket: OwnedFd,
}

impl Stamps {
    /// A socket that is bound to nothing and receives nothing; its option is what counts. Needs no rights.
    pub fn ask() -> std::io::Result<Self> {
        let checked = |result: i32| if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(result) };
        // SAFETY: three numbers; no memory is passed.
        let fd = checked(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
        // SAFETY: a descriptor that was just opened and that nobody else knows.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let on: libc::c_int = 1;
        // SAFETY: `on` is readable and of the size that is passed.
        checked(unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_TIMESTAMPNS,
                (&raw const on).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        })?;
        Ok(Self { _socket: socket })
    }
}
