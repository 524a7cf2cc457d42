//! Names as the C library resolves them: by files, DNS or whatever the host is set up for.

use std::ffi::{CStr, CString};
use std::ptr;

/// The right name of a host.
///
/// # Errors
/// Nobody knows it.
pub fn canonical(host: &str) -> Result<String, String> {
    let found = resolve(host)?;
    let name = found.canonical.ok_or_else(|| format!("{host} has no other name"))?;
    Ok(name.trim_end_matches('.').to_owned())
}

/// The name of the first address of a host that has one.
///
/// # Errors
/// None has.
pub fn reverse(host: &str) -> Result<String, String> {
    resolve(host)?.name.ok_or_else(|| format!("no address of {host} has a name"))
}

struct Resolved {
    canonical: Option<String>,
    name: Option<String>,
}

/// A list that is freed in every case.
struct List(*mut libc::addrinfo);

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list came from getaddrinfo and is freed once.
        unsafe { libc::freeaddrinfo(self.0) };
    }
}

fn resolve(host: &str) -> Result<Resolved, String> {
    let name = CString::new(host).map_err(|_| "a name with a NUL".to_owned())?;
    // SAFETY: all zero is a valid addrinfo: no address and null pointers.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    (hints.ai_flags, hints.ai_socktype) = (libc::AI_CANONNAME, libc::SOCK_STREAM);
    let mut first = ptr::null_mut();
    // SAFETY: name and hints live through the call, and `first` is only used when it succeeded.
    match unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &hints, &mut first) } {
        0 => {}
        code => return Err(format!("{host} cannot be resolved: {}", said(code))),
    }
    let list = List(first);
    // SAFETY: getaddrinfo succeeded, so there is a first entry, whose name is null or text that lives as long as it.
    let canonical = unsafe { (*list.0).ai_canonname.as_ref().map(|name| CStr::from_ptr(name)) };
    let canonical = canonical.map(|name| name.to_string_lossy().into_owned()).filter(|name| !name.is_empty());
    let (mut name, mut entry) = (None, list.0);
    while !entry.is_null() && name.is_none() {
        // SAFETY: entries of the list are valid until it is freed; the last points to null.
        let one = unsafe { &*entry };
        name = name_of(one);
        entry = one.ai_next;
    }
    Ok(Resolved { canonical, name })
}

fn name_of(entry: &libc::addrinfo) -> Option<String> {
    let mut name = [0 as libc::c_char; 1025];
    // SAFETY: the address is as long as the entry says, and the buffer as long as is said of it.
    let code = unsafe {
        libc::getnameinfo(
            entry.ai_addr,
            entry.ai_addrlen,
            name.as_mut_ptr(),
            name.len() as libc::socklen_t,
            ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    // SAFETY: on success the buffer holds text that ends with a NUL.
    let name = (code == 0).then(|| unsafe { CStr::from_ptr(name.as_ptr()) })?;
    Some(name.to_string_lossy().trim_end_matches('.').to_owned())
}

fn said(code: libc::c_int) -> String {
    // SAFETY: the C library has a text for every code, which it never frees.
    unsafe { CStr::from_ptr(libc::gai_strerror(code)) }.to_string_lossy().into_owned()
}
