//! Fields that several probes' records have.

use std::net::IpAddr;

/// An address as packets carry it; `version` is 4, 6 or, when no header could be read, 0.
pub(crate) fn address(version: u8, bytes: [u8; 16]) -> Option<IpAddr> {
    match version {
        4 => Some([bytes[0], bytes[1], bytes[2], bytes[3]].into()),
        6 => Some(bytes.into()),
        _ => None,
    }
}

/// A name that ends at its first zero byte.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
