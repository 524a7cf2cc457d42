//! Addresses to frames.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
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
}

impl Default for Resolver {
    fn default() -> Self {
        Self { symbolizer: symbolizer(), known: HashMap::new(), read: HashMap::new() }
    }
}

/// Names come as the linker has them: they tell the language.
fn symbolizer() -> Symbolizer {
    Symbolizer::builder().enable_code_info(true).enable_inlined_fns(true).enable_demangling(false).build()
}

impl Resolver {
    /// The frames of a stack whose places are known, and whether all names were looked for: no file is read without
    /// time.
    pub fn frames(&mut self, stack: Vec<(u64, Spot)>, has_time: &impl Fn() -> bool) -> (Vec<Frame>, bool) {
        let mut is_named = true;
        let mut frame = |(address, spot)| {
            let (frame, was_looked_for) = self.frame(address, spot, has_time);
            is_named &= was_looked_for;
            frame
        };
        let frames = stack.into_iter().map(&mut frame).collect();
        (frames, is_named)
    }

    fn frame(&mut self, address: u64, spot: Spot, has_time: &impl Fn() -> bool) -> (Frame, bool) {
        let mut is_named = true;
        let (mapping, (kind, functions)) = match spot {
            Spot::Nowhere => (None, (Kind::Native, [].into())),
            Spot::Generated(mapping, name, runtime) => {
                let kind = runtime.map_or(Kind::Native, Kind::Compiled);
                (Some(mapping), (kind, [Function { name, ..Function::default() }].into()))
            }
            Spot::Mapped(Place { mapping, binary: None, .. }, _) => (Some(mapping), (Kind::Native, [].into())),
            Spot::Mapped(Place { mapping, binary: Some(binary), .. }, offset) => {
                let found = self.find(&binary, offset, has_time);
                is_named = found.is_some();
                (Some(mapping), found.unwrap_or_else(|| (native(&binary), [].into())))
            }
        };
        (Frame { address, kind, mapping, functions }, is_named)
    }

    /// What stands there; `None` when there is no time to read the file.
    fn find(&mut self, binary: &Arc<Binary>, offset: u64, has_time: &impl Fn() -> bool) -> Option<Found> {
        if let Some(found) = self.known.get(&(binary.serial, offset)) {
            return Some(found.clone());
        }
        if !has_time() {
            return None;
        }
        let found = symbolize(binary, offset, &mut self.symbolizer);
        self.read.insert(binary.serial, (binary.clone(), Instant::now()));
        self.known.insert((binary.serial, offset), found.clone());
        Some(found)
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
