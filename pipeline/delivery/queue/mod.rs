//! The queue in front of an exporter: what it holds, who waits for an answer, and the consumers that empty it.
//!
//! ```text
//! enqueue -> queue -> [batcher] -> consumers -> sent/failed counts -> retry -> timeout -> leaf
//! ```
//!
//! What is put in is an element; what comes out is a piece, which holds shares of elements: joined with others, or cut.
//! An element leaves the queue, and its sender is answered if it waits, when the last of its shares was answered.

mod batcher;
mod consumer;
mod element;
mod settings;
mod space;
mod telemetry;

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{Mutex, mpsc, oneshot};
use tower::Service;

use super::{Place, counts};
use crate::{Batch, ItemCounter, Next, Pending, Rejected, Tasks};
use batcher::Batcher;
use consumer::{Consumer, Pieces, Queued};
pub(crate) use element::Lost;
use element::{Answer, Piece};
pub use settings::{BatchSettings, PartitionSettings, QueueSettings, Sizer, StorageId};
use space::{Space, Taken};
use telemetry::Sizes;

/// Starts a queue in front of `exports`.
pub(super) fn start(
    settings: &QueueSettings,
    exports: Next,
    place: Place<'_>,
    lost: Lost,
    consumers: &mut Tasks,
) -> Enqueue {
    let space = Space::new(settings.queue_size, settings.sizer);
    telemetry::observe(&space, place);
    let (sender, pieces) = mpsc::unbounded_channel();
    let queued = Queued { pieces, stop: consumers.stop() };
    let consumer = Consumer { exports, sizes: Sizes::new(place), exporter: place.id.into() };
    consume(settings, queued, consumer, place, consumers);
    let (waits_for_room, waits_for_result) = (settings.block_on_overflow, settings.wait_for_result);
    Enqueue { space, sender, lost, refused: counts::enqueue_failed(place), waits_for_room, waits_for_result }
}

fn consume(settings: &QueueSettings, queued: Queued, consumer: Consumer, place: Place<'_>, consumers: &mut Tasks) {
    let number = settings.num_consumers;
    let Some(batch) = settings.batch.get() else {
        return spawn(number, queued, consumer, place, consumers);
    };
    // One piece may wait for a consumer; then the batcher waits, and the next batch grows meanwhile.
    let (full, pieces) = mpsc::channel(1);
    let batcher = Batcher::new(batch.clone(), full);
    consumers.spawn(format!("{} ({}) batcher", place.id, place.signal), batcher.run(queued));
    spawn(number, pieces, consumer, place, consumers);
}

fn spawn(number: u32, pieces: impl Pieces, consumer: Consumer, place: Place<'_>, consumers: &mut Tasks) {
    let pieces = Arc::new(Mutex::new(pieces));
    for index in 0..number {
        let name = format!("{} ({}) consumer {index}", place.id, place.signal);
        consumers.spawn(name, consumer.clone().run(pieces.clone()));
    }
}

/// The end of the queue where batches go in.
#[derive(Clone)]
pub(super) struct Enqueue {
    space: Arc<Space>,
    sender: mpsc::UnboundedSender<Piece>,
    lost: Lost,
    refused: ItemCounter,
    waits_for_room: bool,
    waits_for_result: bool,
}

impl Service<Batch> for Enqueue {
    type Response = ();
    type Error = Rejected;
    type Future = Pending<'static, Result<(), Rejected>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, batch: Batch) -> Self::Future {
        Box::pin(self.clone().enqueue(batch))
    }
}

impl Enqueue {
    async fn enqueue(self, batch: Batch) -> Result<(), Rejected> {
        let items = batch.items();
        let result = match self.put(batch).await {
            Ok(result) => result,
            Err(rejected) => {
                self.refused.add(items);
                return Err(rejected);
            }
        };
        match result {
            Some(result) => result.await.unwrap_or_else(|_| Err(closed())),
            None => Ok(()),
        }
    }

    async fn put(&self, batch: Batch) -> Result<Option<oneshot::Receiver<Answer>>, Rejected> {
        let place = self.room(&batch).await?;
        let (waiter, result) = self.waits_for_result.then(oneshot::channel).unzip();
        let piece = Piece::new(batch, place, self.lost.clone(), waiter);
        match self.sender.send(piece) {
            Ok(()) => Ok(result),
            Err(mpsc::error::SendError(refused)) => {
                refused.shares.settle();
                Err(closed())
            }
        }
    }

    async fn room(&self, batch: &Batch) -> Result<Taken, Rejected> {
        match self.waits_for_room {
            true => self.space.wait(batch).await,
            false => self.space.take(batch),
        }
    }
}

fn closed() -> Rejected {
    Rejected::closed("the sending queue is closed")
}
