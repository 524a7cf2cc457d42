//! Addresses to frames.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{CodeInfo, Input, Symbolized, Symbolizer, evict};

use super::binary::Binary;
use super::frame::{Frame, Function, Kind};
use super::names::{self, Language, Place as SourcePlace};
use super::process::{Place, Spot};

/// Addresses whose functions are remembered; one takes some hundred bytes.
const KEPT: usize = 32_768;

/// How long the symbols of a file stay in memory after the last address that was not known yet: they take much.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(20);

/// A file and the place in it.
type Key = (u64, u64);
/// What stands there.
type Found = (Kind, Arc<[Function]>);

/// Reads symbols of files.
pub struct Resolver {
    symbolizer: Symbolizer,
    known: HashMap<Key, Found>,
    /// Files whose symbols are in memory, and when they were wanted last.
    read: HashMap<u64, (Arc<Binary>, Instant)>,
    /// Whether only what is known already is wanted.
    is_hurried: Arc<AtomicBool>,
}

/// Names come as the linker has them: they tell the language.
fn symbolizer() -> Symbolizer {
    Symbolizer::builder().enable_code_info(true).enable_inlined_fns(true).enable_demangling(false).build()
}

impl Resolver {
    /// Knows nothing yet; reads no file while the flag is set.
    pub fn new(is_hurried: Arc<AtomicBool>) -> Self {
        Self { symbolizer: symbolizer(), known: HashMap::new(), read: HashMap::new(), is_hurried }
    }

    /// The frames of a stack whose places are known.
    pub fn frames(&mut self, stack: Vec<(u64, Spot)>) -> Vec<Frame> {
        stack.into_iter().map(|(address, spot)| self.frame(address, spot)).collect()
    }

    fn frame(&mut self, address: u64, spot: Spot) -> Frame {
        let (mapping, (kind, functions)) = match spot {
            Spot::Nowhere => (None, (Kind::Native, [].into())),
            Spot::Generated(mapping, name, runtime) => {
                let kind = runtime.map_or(Kind::Native, Kind::Compiled);
                (Some(mapping), (kind, [Function { name, ..Function::default() }].into()))
            }
            Spot::Mapped(Place { mapping, binary: None, .. }, _) => (Some(mapping), (Kind::Native, [].into())),
            Spot::Mapped(Place { mapping, binary: Some(binary), .. }, offset) => {
                (Some(mapping), self.find(&binary, offset))
            }
        };
        Frame { address, kind, mapping, functions }
    }

    fn find(&mut self, binary: &Arc<Binary>, offset: u64) -> Found {
        if let Some(found) = self.known.get(&(binary.serial, offset)) {
            return found.clone();
        }
        if self.is_hurried.load(Ordering::Relaxed) {
            return (native(binary), [].into());
        }
        let found = symbolize(binary, offset, &mut self.symbolizer);
        self.read.insert(binary.serial, (binary.clone(), Instant::now()));
        self.known.insert((binary.serial, offset), found.clone());
        found
    }

    /// Forgets what is no longer used, between two readings.
    pub fn tidy(&mut self) {
        let symbolizer = &mut self.symbolizer;
        self.read.retain(|_, (binary, wanted)| {
            let is_wanted = wanted.elapsed() < FORGOTTEN_AFTER;
            if !is_wanted {
                let _ = symbolizer.evict(&evict::Elf::new(binary.path()).into());
            }
            is_wanted
        });
        if self.known.len() > KEPT {
            // Rare, and cheap to build again: simpler than an order of use.
            self.known.clear();
        }
    }
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
