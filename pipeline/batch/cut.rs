//! One batch as several of at most so many items or bytes: cut on the wire, between two items, without decoding.

use std::num::NonZeroU32;

use super::{Batch, Signal};
use crate::otlp::wire::{self, Fault, Value};
use crate::profiles;

/// The field numbers that lead from a request down to its items.
type Path = &'static [&'static [u32]];

fn path(signal: Signal) -> Path {
    match signal {
        Signal::Traces | Signal::Logs => &[&[1], &[2], &[2]],
        Signal::Profiles => &[&[1], &[2], &[2], &[2]],
        Signal::Metrics => &[&[1], &[2], &[2], &[5, 7, 9, 10, 11], &[1]],
    }
}

/// How large the pieces of a batch may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Counted in items.
    Items {
        /// For the first piece.
        first: u64,
        /// For the others; 0 is taken as 1.
        each: u64,
    },
    /// Counted in bytes of the wire form. An item that is larger by itself gets a piece of its own.
    Bytes {
        /// For the first piece.
        first: u64,
        /// For the others.
        each: u64,
    },
}

impl Batch {
    /// Pieces of exactly `max` items, the last with what is left; each piece repeats the resource, scope and metric
    /// its items stand under. Pieces of profiles get a dictionary of what they name.
    ///
    /// # Errors
    /// Damage that the structural check would have found.
    pub fn split(self, max: NonZeroU32) -> Result<Vec<Self>, Fault> {
        let each = u64::from(max.get());
        self.cut(Limit::Items { first: each, each })
    }

    /// Pieces within `limit`, as full as they can be. The first is empty when its limit is too small for any item.
    /// Profiles are cut by items and never by bytes.
    ///
    /// # Errors
    /// Damage that the structural check would have found.
    pub fn cut(self, limit: Limit) -> Result<Vec<Self>, Fault> {
        let path = path(self.signal());
        let whole = match limit {
            Limit::Items { first, .. } => u64::from(self.items) <= first,
            // Each piece of profiles has a dictionary, whose size is only known when it was made.
            Limit::Bytes { .. } if self.signal() == Signal::Profiles => true,
            Limit::Bytes { first, .. } => self.encode().len() as u64 <= first,
        };
        if whole {
            return Ok(vec![self]);
        }
        let bytes = self.encode();
        let mut cutter = Cutter::new(limit, surroundings(&bytes, path[0])?);
        cutter.message(path, &bytes)?;
        let piece =
            |(bytes, items): (Vec<u8>, u32)| Self::encoded(self.signal(), bytes.into(), items, self.origin.clone());
        Ok(cutter.finish().into_iter().map(piece).map(Self::with_own_dictionary).collect())
    }

    /// What cannot be decoded keeps the whole dictionary.
    pub(super) fn with_own_dictionary(self) -> Self {
        match self.clone().into_profiles() {
            Ok(Some(request)) => Self::new(profiles::compact(request), self.origin),
            _ => self,
        }
    }
}

struct Cutter {
    limit: Limit,
    /// What stands in the request beside resources.
    root: Vec<u8>,
    /// The messages around the next item, outermost first.
    around: Vec<Around>,
    piece: Vec<u8>,
    items: u32,
    /// Fields written so far, in all pieces.
    written: usize,
    pieces: Vec<(Vec<u8>, u32)>,
}

/// A message that items stand in.
struct Around {
    number: u32,
    surroundings: Vec<u8>,
    /// Where its content begins in the current piece, if it was opened there.
    start: Option<usize>,
}

impl Cutter {
    fn new(limit: Limit, root: Vec<u8>) -> Self {
        let (around, piece) = (Vec::new(), Vec::new());
        Self { limit, root, around, piece, items: 0, written: 0, pieces: Vec::new() }
    }

    fn message(&mut self, path: Path, bytes: &[u8]) -> Result<(), Fault> {
        let Some((numbers, deeper)) = path.split_first() else {
            return Ok(());
        };
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            match wire::field(bytes, &mut at)? {
                (number, Value::Bytes(_)) if numbers.contains(&number) && deeper.is_empty() => {
                    self.put_item(&bytes[start..at]);
                }
                (number, Value::Bytes(content)) if numbers.contains(&number) => {
                    let before = self.written;
                    self.descend(number, deeper, content)?;
                    if self.written == before {
                        // Nothing in it is an item, but it is not ours to drop.
                        self.put_empty(&bytes[start..at]);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn descend(&mut self, number: u32, path: Path, content: &[u8]) -> Result<(), Fault> {
        let surroundings = surroundings(content, path[0])?;
        self.around.push(Around { number, surroundings, start: None });
        self.message(path, content)?;
        self.close(self.around.len() - 1);
        self.around.pop();
        Ok(())
    }

    fn put_item(&mut self, item: &[u8]) {
        let items = self.items;
        let fits = match self.limit {
            Limit::Items { first, each } => u64::from(items) < self.bound(first, each),
            Limit::Bytes { first, each } => self.length_with(item) <= self.bound(first, each),
        };
        self.make_room(fits);
        self.put(item);
        self.items += 1;
    }

    /// A message without items, which counts by its bytes alone.
    fn put_empty(&mut self, message: &[u8]) {
        let fits = match self.limit {
            Limit::Items { .. } => true,
            Limit::Bytes { first, each } => self.length_with(message) <= self.bound(first, each),
        };
        self.make_room(fits);
        self.put(message);
    }

    fn bound(&self, first: u64, each: u64) -> u64 {
        if self.pieces.is_empty() { first } else { each }
    }

    /// The first piece may stay empty; the others hold one field at least.
    fn make_room(&mut self, fits: bool) {
        if !fits && (self.pieces.is_empty() || !self.piece.is_empty()) {
            self.end_piece();
        }
    }

    /// The length of the current piece when this field is put and every message closed.
    fn length_with(&self, field: &[u8]) -> u64 {
        let root = if self.piece.is_empty() { self.root.len() } else { 0 };
        let opened = self.around.iter().filter(|around| around.start.is_none());
        let opened: usize = opened.map(|around| wire::tag_length(around.number) + around.surroundings.len()).sum();
        let mut length = self.piece.len() + root + opened + field.len();
        for (depth, around) in self.around.iter().enumerate().rev() {
            let start = around.start.unwrap_or_else(|| self.start_when_opened(depth, root));
            length += wire::varint_length((length - start) as u64);
        }
        length as u64
    }

    /// Where the content of a message that is not open yet would begin.
    fn start_when_opened(&self, depth: usize, root: usize) -> usize {
        let before = self.around[..depth].iter().filter(|around| around.start.is_none());
        let before: usize = before.map(|around| wire::tag_length(around.number) + around.surroundings.len()).sum();
        self.piece.len() + root + before + wire::tag_length(self.around[depth].number)
    }

    /// Writes a field, opening the messages around it where this piece has not yet.
    fn put(&mut self, field: &[u8]) {
        if self.piece.is_empty() {
            self.piece.extend_from_slice(&self.root);
        }
        for around in &mut self.around {
            if around.start.is_none() {
                wire::put_tag(&mut self.piece, around.number, 2);
                around.start = Some(self.piece.len());
                self.piece.extend_from_slice(&around.surroundings);
            }
        }
        self.piece.extend_from_slice(field);
        self.written += 1;
    }

    /// Closes the messages from `depth` inwards.
    fn close(&mut self, depth: usize) {
        for around in self.around[depth..].iter_mut().rev() {
            if let Some(start) = around.start.take() {
                wire::put_length_before(&mut self.piece, start);
            }
        }
    }

    fn end_piece(&mut self) {
        self.close(0);
        self.pieces.push((std::mem::take(&mut self.piece), std::mem::take(&mut self.items)));
    }

    fn finish(mut self) -> Vec<(Vec<u8>, u32)> {
        self.end_piece();
        self.pieces
    }
}

/// The fields of a message that do not lead to items.
fn surroundings(bytes: &[u8], numbers: &[u32]) -> Result<Vec<u8>, Fault> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let start = at;
        match wire::field(bytes, &mut at)? {
            (number, Value::Bytes(_)) if numbers.contains(&number) => {}
            _ => out.extend_from_slice(&bytes[start..at]),
        }
    }
    Ok(out)
}
