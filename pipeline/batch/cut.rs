//! One batch as several of at most so many items: cut on the wire, between two items, without decoding.

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

impl Batch {
    /// Pieces of exactly `max` items, the last with what is left; each piece repeats the resource, scope and metric
    /// its items stand under. Pieces of profiles get a dictionary of what they name.
    ///
    /// # Errors
    /// Damage that the structural check would have found.
    pub fn split(self, max: NonZeroU32) -> Result<Vec<Self>, Fault> {
        let path = path(self.signal());
        if self.items <= max.get() {
            return Ok(vec![self]);
        }
        let bytes = self.encode();
        let mut cutter = Cutter { root: surroundings(&bytes, path[0])?, ..Cutter::new(max) };
        cutter.message(path, &bytes)?;
        let piece =
            |(bytes, items): (Vec<u8>, u32)| Self::encoded(self.signal(), bytes.into(), items, self.origin.clone());
        Ok(cutter.finish().into_iter().map(piece).map(Self::with_own_dictionary).collect())
    }

    /// What cannot be decoded keeps the whole dictionary.
    fn with_own_dictionary(self) -> Self {
        match self.clone().into_profiles() {
            Ok(Some(request)) => Self::new(profiles::compact(request), self.origin),
            _ => self,
        }
    }
}

struct Cutter {
    max: NonZeroU32,
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
    fn new(max: NonZeroU32) -> Self {
        let (root, around, piece) = (Vec::new(), Vec::new(), Vec::new());
        Self { max, root, around, piece, items: 0, written: 0, pieces: Vec::new() }
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
                    self.put(&bytes[start..at]);
                    self.items += 1;
                    if self.items == self.max.get() {
                        self.end_piece();
                    }
                }
                (number, Value::Bytes(content)) if numbers.contains(&number) => {
                    let before = self.written;
                    self.descend(number, deeper, content)?;
                    if self.written == before {
                        // Nothing in it is an item, but it is not ours to drop.
                        self.put(&bytes[start..at]);
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
        match self.pieces.last_mut() {
            // Empty messages behind the last item need no request of their own.
            Some((last, _)) if self.items == 0 => last.append(&mut self.piece),
            _ => self.end_piece(),
        }
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
