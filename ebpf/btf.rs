//! The members of a kernel enum, by name, from the kernel's BTF.

use std::collections::BTreeMap;

/// Bytes that a BTF type header takes.
const HEADER: usize = 12;

/// Where the kernel shows its types.
pub(crate) const KERNEL: &str = "/sys/kernel/btf/vmlinux";

/// All members of the enum `name`; `None` when there is none or the data is not BTF.
/// Format: <https://docs.kernel.org/bpf/btf.html>.
pub(crate) fn enum_members(btf: &[u8], name: &str) -> Option<BTreeMap<u32, String>> {
    let word = |at: usize| Some(u32::from_le_bytes(btf.get(at..at + 4)?.try_into().ok()?));
    let magic = u16::from_le_bytes(btf.get(..2)?.try_into().ok()?);
    if magic != 0xeb9f {
        return None;
    }
    let header = word(4)? as usize;
    let types = header + word(8)? as usize;
    let types_end = types + word(12)? as usize;
    let strings = btf.get(header + word(16)? as usize..)?;
    let mut at = types;
    while at < types_end {
        let (name_at, info, members) = (word(at)?, word(at + 4)?, at + HEADER);
        let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
        let size = member_bytes(kind, count)?;
        if matches!(kind, 6 | 19) && text(strings, name_at)? == name {
            let step = size.checked_div(count)?;
            let member =
                |i: usize| Some((word(members + i * step + 4)?, text(strings, word(members + i * step)?)?.to_owned()));
            return (0..count).map(member).collect();
        }
        at = members + size;
    }
    None
}

/// What follows a type's header.
fn member_bytes(kind: u32, count: usize) -> Option<usize> {
    Some(match kind {
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * count,
        6 | 13 => 8 * count,
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

fn text(strings: &[u8], at: u32) -> Option<&str> {
    let rest = strings.get(at as usize..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    std::str::from_utf8(&rest[..end]).ok()
}
