//! What addresses turn into.

use std::sync::Arc;

/// One address of a stack and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The address that ran (leaf) or that would have run next (callers).
    pub address: u64,
    /// Where its code comes from.
    pub kind: Kind,
    /// The mapping that it lies in; `None` in the kernel and outside every mapping.
    pub mapping: Option<Arc<Mapping>>,
    /// The function, and those that were inlined into it: innermost first. Empty where nothing has a name for it.
    pub functions: Arc<[Function]>,
}

/// A function at one place of its code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Function {
    /// As people read it.
    pub name: Arc<str>,
    /// As the linker knows it, where that is different.
    pub linkage_name: Option<Arc<str>>,
    /// Source file.
    pub file: Option<Arc<str>>,
    /// Line in the source file, 0 when it is not known.
    pub line: u32,
    /// Column, 0 when it is not known.
    pub column: u32,
}

/// Where code comes from, as `profile.frame.type` tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The kernel.
    Kernel,
    /// Machine code of no language that can be told.
    Native,
    /// Machine code made by the Go compiler.
    Go,
    /// Machine code made by the Rust compiler.
    Rust,
    /// Machine code that a virtual machine made, as its runtime calls itself: `jvm`, `v8js`, `cpython`, `dotnet`.
    Compiled(&'static str),
}

impl Kind {
    /// The value of `profile.frame.type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Native => "native",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Compiled(runtime) => runtime,
        }
    }
}

/// A part of a file that is mapped into a process to be executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub limit: u64,
    /// Bytes into the file.
    pub offset: u64,
    /// The file as the process knows it, or what the kernel calls it (`[vdso]`).
    pub file: Arc<str>,
    /// What the linker wrote into it.
    pub build_id: Option<Arc<str>>,
    /// What Go's linker wrote into it.
    pub go_build_id: Option<Arc<str>>,
}

impl Frame {
    /// The kernel's, whose functions are known without files.
    pub fn kernel(address: u64, function: Option<Arc<str>>) -> Self {
        let functions = function.map(|name| Function { name, ..Function::default() });
        Self { address, kind: Kind::Kernel, mapping: None, functions: functions.into_iter().collect() }
    }

    /// The names of its functions, innermost first; of code without a name the file or the address, in brackets.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = String> + '_ {
        let unnamed = self.functions.is_empty().then(|| match (&self.mapping, self.kind) {
            (_, Kind::Kernel) => "[kernel]".to_owned(),
            (Some(mapping), _) => format!("[{}]", base_name(&mapping.file)),
            (None, _) => "[unknown]".to_owned(),
        });
        self.functions.iter().map(|function| function.name.to_string()).chain(unnamed)
    }
}

/// `libc.so.6` of `/usr/lib/libc.so.6`, `vdso` of `[vdso]`.
fn base_name(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path).trim_matches(['[', ']']);
    if name.is_empty() { "anonymous" } else { name }
}
