//! Addresses to frames.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{CodeInfo, Input, Symbolized, Symbolizer, evict};

use super::Addresses;
use super::binary::Binary;
use super::frame::{Frame, Function, Kind};
use super::names::{self, Language, Place as SourcePlace};
use super::process::{Place, Process, Processes};

/// Addresses whose functions are remembered; one takes some hundred bytes.
const KEPT: usize = 32_768;

/// A file and the place in it.
type Key = (u64, u64);
/// What stands there.
type Found = (Kind, Arc<[Function]>);

/// Everything that is known of processes and their files.
pub struct Resolver {
    processes: Processes,
    symbolizer: Symbolizer,
    known: HashMap<Key, Found>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self { processes: Processes::default(), symbolizer: symbolizer(), known: HashMap::new() }
    }
}

/// Names come as the linker has them: they tell the language.
fn symbolizer() -> Symbolizer {
    Symbolizer::builder().enable_code_info(true).enable_inlined_fns(true).enable_demangling(false).build()
}

impl Resolver {
    /// Reads a process while it lives.
    pub fn learn(&mut self, pid: u32) {
        self.processes.learn(pid);
    }

    /// The frames of a stack, leaf first.
    pub fn frames(&mut self, stack: &Addresses) -> Vec<Frame> {
        let process = self.processes.for_addresses(stack.pid, &stack.addresses);
        let lookup = |depth: usize, address: u64| {
            // A caller's address is behind its call, maybe in the next function.
            if depth == 0 { address } else { address.saturating_sub(1) }
        };
        let Some(process) = process else {
            let unknown =
                |address: &u64| Frame { address: *address, kind: Kind::Native, mapping: None, functions: [].into() };
            return stack.addresses.iter().map(unknown).collect();
        };
        let (symbolizer, known) = (&mut self.symbolizer, &mut self.known);
        let frame = |(depth, address): (usize, &u64)| {
            let (place, (kind, functions)) = find(process, lookup(depth, *address), symbolizer, known);
            Frame { address: *address, kind, mapping: place.map(|place| place.mapping.clone()), functions }
        };
        stack.addresses.iter().enumerate().map(frame).collect()
    }

    /// Forgets what is no longer used, between two readings.
    pub fn tidy(&mut self) {
        self.processes.forget();
        let symbolizer = &mut self.symbolizer;
        self.processes.binaries.close_unused(|binary| {
            let _ = symbolizer.evict(&evict::Elf::new(binary.path()).into());
        });
        if self.known.len() > KEPT {
            // Rare, and cheap to build again: simpler than an order of use.
            self.known.clear();
        }
    }
}

fn find<'p>(
    process: &'p Process,
    address: u64,
    symbolizer: &mut Symbolizer,
    known: &mut HashMap<Key, Found>,
) -> (Option<&'p Place>, Found) {
    let Some(place) = process.place(address) else {
        return (None, (Kind::Native, [].into()));
    };
    if let Some(name) = place.is_generated.then(|| process.generated(address)).flatten() {
        let kind = process.runtime.map_or(Kind::Native, Kind::Compiled);
        return (Some(place), (kind, [Function { name: name.clone(), ..Function::default() }].into()));
    }
    let Some(binary) = &place.binary else {
        return (Some(place), (Kind::Native, [].into()));
    };
    let offset = address - place.mapping.start + place.mapping.offset;
    let found = known.entry((binary.serial, offset)).or_insert_with(|| symbolize(binary, offset, symbolizer));
    (Some(place), found.clone())
}

/// Debug information is written by anybody: a fault in reading it must cost no more than the name.
fn symbolize(binary: &Binary, offset: u64, symbolizer: &mut Symbolizer) -> Found {
    let read = AssertUnwindSafe(|| functions(binary, offset, symbolizer));
    match std::panic::catch_unwind(read) {
        Ok(found) => found,
        Err(_) => {
            *symbolizer = self::symbolizer();
            (native(binary), [].into())
        }
    }
}

fn native(binary: &Binary) -> Kind {
    if binary.is_go { Kind::Go } else { Kind::Native }
}

fn functions(binary: &Binary, offset: u64, symbolizer: &Symbolizer) -> Found {
    let source = Source::Elf(Elf::new(binary.path()));
    let symbol = match symbolizer.symbolize_single(&source, Input::FileOffset(offset)) {
        Ok(Symbolized::Sym(symbol)) => symbol,
        Ok(Symbolized::Unknown(_)) => return (native(binary), [].into()),
        Err(error) => {
            tracing::debug!(%error, "symbols cannot be read");
            return (native(binary), [].into());
        }
    };
    let outer = names::function(&symbol.name, place(symbol.code_info.as_deref()));
    let inlined =
        symbol.inlined.iter().map(|inlined| names::function(&inlined.name, place(inlined.code_info.as_ref())));
    let named: Vec<(Function, Language)> = std::iter::once(outer).chain(inlined).collect();
    let is_rust = named.iter().any(|(_, language)| *language == Language::Rust);
    let kind = if is_rust { Kind::Rust } else { native(binary) };
    (kind, named.into_iter().rev().map(|(function, _)| function).collect())
}

fn place(info: Option<&CodeInfo<'_>>) -> SourcePlace {
    let Some(info) = info else {
        return SourcePlace::default();
    };
    SourcePlace {
        file: Some(info.to_path().to_string_lossy().into()),
        line: info.line.unwrap_or(0),
        column: info.column.unwrap_or(0).into(),
    }
}
