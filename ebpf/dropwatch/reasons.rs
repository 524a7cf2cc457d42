//! Names of drop reasons. Numbers move between kernels, so the running kernel is asked.

use std::collections::BTreeMap;

use crate::btf;

/// Reasons above this belong to subsystems (mac80211, openvswitch) with own numbering.
const SUBSYSTEM_SHIFT: u32 = 16;

/// The running kernel's `enum skb_drop_reason`.
#[derive(Clone, Debug, Default)]
pub struct Reasons(BTreeMap<u32, String>);

impl Reasons {
    /// Reads them from BTF; none when the file is not there or too old to have reasons.
    pub(crate) fn of_kernel(path: &str) -> Self {
        let members = std::fs::read(path).ok().and_then(|btf| btf::enum_members(&btf, "skb_drop_reason"));
        let named = |(number, name): (u32, String)| {
            let short = name.strip_prefix("SKB_DROP_REASON_").or(name.strip_prefix("SKB_")).unwrap_or(&name);
            (number, short.to_owned())
        };
        Self(members.unwrap_or_default().into_iter().map(named).collect())
    }

    /// The name without prefix, e.g. `NO_SOCKET`; a number that has none is shown as one.
    pub fn name(&self, reason: u32) -> String {
        match self.0.get(&reason) {
            Some(name) => name.clone(),
            None if reason >> SUBSYSTEM_SHIFT != 0 => {
                format!("SUBSYSTEM_{}_{}", reason >> SUBSYSTEM_SHIFT, reason & ((1 << SUBSYSTEM_SHIFT) - 1))
            }
            None => format!("REASON_{reason}"),
        }
    }

    /// Whether the running kernel has a reason of this name.
    pub fn is_known(&self, name: &str) -> bool {
        self.0.values().any(|known| known == name)
    }

    /// One bit for each named reason; names that this kernel does not have set none.
    pub(crate) fn mask(&self, names: &[String]) -> [u64; 4] {
        let mut mask = [0; 4];
        for (number, name) in &self.0 {
            if let Some(word) = mask.get_mut((number >> 6) as usize).filter(|_| names.contains(name)) {
                *word |= 1 << (number & 63);
            }
        }
        mask
    }
}
