//! Names of kernel addresses.

use blazesym::symbolize::source::{Kernel, Source};
use blazesym::symbolize::{Input, Symbolized, Symbolizer};
use blazesym::{Addr, MaybeDefault};

/// Turns kernel addresses into `function+0x1f`. Reads /proc/kallsyms at the first use.
#[derive(Debug)]
pub struct Symbols {
    symbolizer: Symbolizer,
    source: Source<'static>,
}

impl Default for Symbols {
    fn default() -> Self {
        // kallsyms knows modules and BPF programs; a vmlinux with DWARF would cost hundreds of megabytes.
        let kernel = Kernel { kallsyms: MaybeDefault::Default, vmlinux: MaybeDefault::None, ..Kernel::default() };
        let symbolizer = Symbolizer::builder().enable_code_info(false).enable_inlined_fns(false).build();
        Self { symbolizer, source: Source::Kernel(kernel) }
    }
}

impl Symbols {
    /// One name per address, in order; an address that has none is shown as a number.
    pub fn kernel(&self, addresses: &[Addr]) -> Vec<String> {
        let Ok(found) = self.symbolizer.symbolize(&self.source, Input::AbsAddr(addresses)) else {
            return addresses.iter().map(|address| format!("{address:#x}")).collect();
        };
        found.iter().zip(addresses).map(|(symbol, address)| name(symbol, *address)).collect()
    }
}

fn name(symbol: &Symbolized<'_>, address: Addr) -> String {
    match symbol {
        Symbolized::Sym(symbol) => format!("{}+{:#x}", symbol.name, symbol.offset),
        Symbolized::Unknown(_) => format!("{address:#x}"),
    }
}
