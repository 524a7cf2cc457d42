//! Joins what waits into larger requests, and cuts too large ones.

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::consumer::Pieces;
use super::element::{Piece, Shares};
use super::{BatchSettings, Sizer};
use crate::batch::Limit;
use crate::proto::ProfilesRequest;
use crate::{Batch, Partition, Rejected};

/// Stands between a queue and its consumers.
pub struct Batcher {
    settings: BatchSettings,
    open: HashMap<Partition, Open>,
    full: mpsc::Sender<Piece>,
}

/// A batch that waits for company.
struct Open {
    parts: Vec<Batch>,
    shares: Shares,
    size: u64,
    due: Instant,
}

impl Batcher {
    /// Hands over to `full`, waiting while all consumers are busy.
    pub fn new(settings: BatchSettings, full: mpsc::Sender<Piece>) -> Self {
        Self { settings, open: HashMap::new(), full }
    }

    /// Runs until nothing more comes; then sends what is open.
    pub async fn run(mut self, mut pieces: impl Pieces) {
        loop {
            let due = self.open.values().map(|open| open.due).min();
            tokio::select! {
                biased;
                () = at(due) => self.flush(|open| open.due <= Instant::now()).await,
                piece = pieces.next() => match piece {
                    Some(piece) => self.add(piece).await,
                    None => break,
                },
            }
        }
        self.flush(|_| true).await;
    }

    async fn flush(&mut self, which: impl Fn(&Open) -> bool) {
        let open = self.open.iter().filter(|(_, open)| which(open));
        let flushed: Vec<_> = open.map(|(partition, _)| partition.clone()).collect();
        for partition in flushed {
            self.close(&partition).await;
        }
    }

    async fn hand_over(&self, piece: Option<Piece>) {
        if let Some(piece) = piece {
            // Without consumers the piece is dropped and its items are counted as lost.
            let _ = self.full.send(piece).await;
        }
    }

    async fn add(&mut self, mut piece: Piece) {
        // Profiles are joined as structs; what is none goes on as it is.
        if piece.batch.read::<ProfilesRequest>().is_err() {
            return self.hand_over(Some(piece)).await;
        }
        let partition = Partition::of(piece.batch.origin(), &self.settings.partition.metadata_keys);
        let mut pieces = self.cut(piece, &partition).into_iter().peekable();
        while let Some(piece) = pieces.next() {
            self.join(piece, &partition);
            let full = |open: &Open| open.size >= self.settings.min_size.max(1);
            // What is followed by more is full, whatever its size.
            if pieces.peek().is_some() || self.open.get(&partition).is_some_and(full) {
                self.close(&partition).await;
            }
        }
    }

    /// Adds to what is open.
    fn join(&mut self, piece: Piece, partition: &Partition) {
        let size = self.settings.sizer.size(&piece.batch);
        if size == 0 {
            return piece.shares.settle();
        }
        let due = Instant::now() + self.settings.flush_timeout;
        let open = self.open.entry(partition.clone());
        let open = open.or_insert_with(|| Open { parts: Vec::new(), shares: Shares::default(), size: 0, due });
        open.parts.push(piece.batch);
        open.shares.join(piece.shares);
        open.size += size;
    }

    async fn close(&mut self, partition: &Partition) {
        let closed = self.open.remove(partition).and_then(|open| open.close(&self.settings, partition));
        self.hand_over(closed).await;
    }

    /// Pieces of which the first fits to what is open and none is too large. The first is empty when none of its items
    /// fits: then what is open goes on without it.
    fn cut(&mut self, piece: Piece, partition: &Partition) -> Vec<Piece> {
        let max = self.settings.max_size;
        let held = self.open.get(partition).map_or(0, |open| open.size);
        if max == 0 || held + self.settings.sizer.size(&piece.batch) <= max {
            return vec![piece];
        }
        let limit = match self.settings.sizer {
            Sizer::Bytes => Limit::Bytes { first: max.saturating_sub(held), each: max },
            _ => Limit::Items { first: max.saturating_sub(held), each: max },
        };
        match piece.batch.clone().cut(limit) {
            Ok(parts) => piece.cut(parts),
            Err(fault) => {
                piece.shares.answer(&Err(Rejected::permanent(format!("cannot be cut: {fault}"))));
                Vec::new()
            }
        }
    }
}

impl Open {
    /// What is sent. What stands alone keeps its origin; of several, only what they have in common is left.
    fn close(self, settings: &BatchSettings, partition: &Partition) -> Option<Piece> {
        let origin = match &self.parts[..] {
            [only] => only.origin().clone(),
            _ => partition.origin(&settings.partition.metadata_keys).into(),
        };
        let batch = Batch::concat(self.parts, origin)?;
        Some(Piece { batch, shares: self.shares })
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
