//! Network interfaces of this network namespace.

use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

/// Addresses of interfaces that are up, without loopback.
pub fn addresses() -> Vec<String> {
    all()
        .into_iter()
        .filter(Entry::counts)
        .filter_map(|entry| entry.address)
        .filter(|a| !a.is_loopback())
        .map(|a| a.to_string())
        .collect()
}

/// Hardware addresses of interfaces that are up, without loopback, in the form of IEEE RA.
pub fn hardware_addresses() -> Vec<String> {
    let up: Vec<_> = all().into_iter().filter(Entry::counts).collect();
    let mut names: Vec<_> = up.iter().map(|entry| &entry.name).collect();
    names.dedup();
    names.into_iter().filter_map(|name| hardware_address(name)).collect()
}

/// Names of all interfaces.
pub fn names() -> Vec<String> {
    let folders = std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_by_key(|name| index(name));
    names
}

/// The number by which the kernel sorts them.
fn index(name: &str) -> u32 {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).unwrap_or_default();
    text.trim().parse().unwrap_or(u32::MAX)
}

fn hardware_address(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/address")).ok()?;
    Some(text.trim().replace(':', "-").to_uppercase()).filter(|text| !text.is_empty())
}

/// An interface with one of its addresses.
struct Entry {
    name: String,
    flags: u32,
    address: Option<IpAddr>,
}

impl Entry {
    fn counts(&self) -> bool {
        self.flags & libc::IFF_UP as u32 != 0 && self.flags & libc::IFF_LOOPBACK as u32 == 0
    }
}

/// A list that is freed in every case.
struct List(*mut libc::ifaddrs);

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list came from getifaddrs and is freed once.
        unsafe { libc::freeifaddrs(self.0) };
    }
}

/// Every interface, once for each of its addresses; none where they cannot be listed.
fn all() -> Vec<Entry> {
    let mut first = ptr::null_mut();
    // SAFETY: the pointer is only used when the call succeeded.
    if unsafe { libc::getifaddrs(&mut first) } != 0 {
        return Vec::new();
    }
    let list = List(first);
    let (mut entries, mut at) = (Vec::new(), list.0);
    while !at.is_null() {
        // SAFETY: entries of the list are valid until it is freed; the last points to null.
        let one = unsafe { &*at };
        // SAFETY: every entry has a name that ends with a NUL.
        let name = unsafe { CStr::from_ptr(one.ifa_name) }.to_string_lossy().into_owned();
        entries.push(Entry { name, flags: one.ifa_flags, address: address(one.ifa_addr) });
        at = one.ifa_next;
    }
    entries
}

fn address(of: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: it is null or points to an address whose family says how long it is.
    let family = unsafe { of.as_ref() }?.sa_family;
    match i32::from(family) {
        libc::AF_INET => {
            // SAFETY: an address of this family is a sockaddr_in; it may be unaligned for it.
            let address = unsafe { of.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: an address of this family is a sockaddr_in6; it may be unaligned for it.
            let address = unsafe { of.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}
