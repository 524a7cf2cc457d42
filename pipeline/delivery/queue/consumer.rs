//! Takes pieces and sends them.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

use super::element::Piece;
use super::telemetry::Sizes;
use crate::{Next, Rejected, RejectedKind, Stop};

/// Where pieces come from. Ends when there will be no more.
pub trait Pieces: Send + 'static {
    /// The next piece. A wait that is given up loses none.
    fn next(&mut self) -> impl Future<Output = Option<Piece>> + Send;
}

/// What was put into the queue; after the stop, what is left.
pub struct Queued {
    pub pieces: mpsc::UnboundedReceiver<Piece>,
    pub stop: Stop,
}

impl Pieces for Queued {
    async fn next(&mut self) -> Option<Piece> {
        if !self.stop.is_requested() {
            tokio::select! {
                next = self.pieces.recv() => return next,
                () = self.stop.requested() => {}
            }
        }
        self.pieces.close();
        self.pieces.recv().await
    }
}

/// What was joined and cut.
impl Pieces for mpsc::Receiver<Piece> {
    async fn next(&mut self) -> Option<Piece> {
        self.recv().await
    }
}

/// One of those who send.
#[derive(Clone)]
pub struct Consumer {
    pub exports: Next,
    pub sizes: Sizes,
    pub exporter: Arc<str>,
}

impl Consumer {
    /// Sends until there is nothing more to come.
    pub async fn run(self, pieces: Arc<Mutex<impl Pieces>>) {
        while let Some(piece) = take(&pieces).await {
            let Piece { batch, shares } = piece;
            let items = batch.items();
            self.sizes.record(&batch);
            let answer = self.exports.send(batch).await;
            if let Err(rejected) = &answer {
                self.tell(rejected, items, shares.are_kept());
            }
            shares.answer(&answer);
        }
    }
}

impl Consumer {
    fn tell(&self, rejected: &Rejected, items: u32, is_kept: bool) {
        let exporter = &self.exporter;
        if is_kept && rejected.kind == RejectedKind::Closed {
            tracing::info!(%exporter, error = %rejected, items, "Exporting was interrupted. The data stays on disk.");
            return;
        }
        let dropped_items = rejected.items(items);
        tracing::error!(%exporter, error = %rejected, dropped_items, "Exporting failed. Dropping data.");
    }
}

/// The lock is free again before the piece is sent.
async fn take(pieces: &Mutex<impl Pieces>) -> Option<Piece> {
    pieces.lock().await.next().await
}
