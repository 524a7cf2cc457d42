//! The queue in front of an exporter: what it holds, who waits for an answer, and the consumers that empty it.
//!
//! ```text
//! enqueue -> queue -> [batcher] -> consumers -> sent/failed counts -> retry -> timeout -> leaf
//! ```
//!
//! What is put in is an element; what comes out is a piece, which holds shares of elements: joined with others, or cut.
//! With a storage, an element is on disk as well until then, and only a few are in memory. An element leaves the queue, and its sender is answered if it waits, when the last of its shares was answered.

mod batcher;
mod consumer;
mod disk;
mod element;
mod settings;
mod space;
mod telemetry;

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tower::Service;

use super::{Place, counts};
use crate::own_spans::{Detail, Tracer, Who};
use crate::{Batch, ItemCounter, Next, Pending, Rejected, Stop, Tasks};
use batcher::Batcher;
use consumer::{Consumer, Pieces, Queued};
pub(crate) use disk::{Disk, Opened};
use disk::{Left, Reader, Waiting};
pub(crate) use element::Lost;
use element::{Answer, Keeper, Piece};
pub use settings::{BatchSettings, PartitionSettings, QueueSettings, Sizer, StorageId};
use space::{Space, Taken};
use telemetry::Sizes;

/// Starts a queue in front of `exports`; one with `opened` is on disk.
pub(super) fn start(
    settings: &QueueSettings,
    exports: Next,
    place: Place<'_>,
    holds: Holds,
    consumers: &mut Tasks,
) -> Enqueue {
    let space = Space::new(settings.queue_size, settings.sizer);
    telemetry::observe(&space, place);
    let consumer = Consumer { exports, sizes: Sizes::new(place), exporter: place.id.into() };
    let shelf = match holds {
        Holds::Memory(lost) => {
            let (sender, pieces) = mpsc::unbounded_channel();
            let queued = Queued { pieces, stop: consumers.stop() };
            consume(settings, queued, consumer, place, consumers);
            Shelf::Memory(sender, lost)
        }
        Holds::Disk(opened) => {
            let (sender, reader) = read_back(opened, &space, settings, place, consumers);
            let disk = reader.disk.clone();
            consume(settings, reader, consumer, place, consumers);
            Shelf::Disk(sender, disk, Arc::new(Semaphore::new(settings.num_consumers as usize)))
        }
    };
    let (waits_for_room, waits_for_result) = (settings.block_on_overflow, settings.wait_for_result);
    let (tracer, who) = (place.telemetry.tracer().clone(), Who::new(place.id, "exporter", place.signal));
    Enqueue {
        space,
        shelf,
        stop: consumers.stop(),
        tracer,
        who,
        refused: counts::enqueue_failed(place),
        waits_for_room,
        waits_for_result,
    }
}

/// Lines up what was on disk at the start.
fn read_back(
    opened: Opened,
    space: &Arc<Space>,
    settings: &QueueSettings,
    place: Place<'_>,
    consumers: &mut Tasks,
) -> (mpsc::UnboundedSender<Waiting>, Reader) {
    let Opened { disk, entries } = opened;
    let (sender, waiting) = mpsc::unbounded_channel();
    for entry in &entries {
        // The other end is here.
        let _ = sender.send(Waiting { entry: *entry, place: space.hold(entry.size(settings.sizer)), batch: None });
    }
    if !entries.is_empty() {
        let (exporter, requests) = (place.id, entries.len());
        let items: u64 = entries.iter().map(|entry| u64::from(entry.items)).sum();
        tracing::info!(exporter, signal = %place.signal, requests, items, "found on disk, to be sent first");
    }
    let (running, ended) = oneshot::channel();
    let left = Left { disk: disk.clone(), stop: consumers.stop(), running: ended };
    consumers.spawn(format!("{} ({}) progress", place.id, place.signal), left.run());
    (sender, Reader::new(waiting, disk, consumers.stop(), running))
}

fn consume(settings: &QueueSettings, queued: impl Pieces, consumer: Consumer, place: Place<'_>, consumers: &mut Tasks) {
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

/// Where a queue is.
pub(super) enum Holds {
    /// In memory; what is lost at the stop is counted here.
    Memory(Lost),
    /// On disk.
    Disk(Opened),
}

#[derive(Clone)]
enum Shelf {
    Memory(mpsc::UnboundedSender<Piece>, Lost),
    /// So many as there are consumers need not be read back, when the backend keeps up.
    Disk(mpsc::UnboundedSender<Waiting>, Arc<Disk>, Arc<Semaphore>),
}

/// The end of the queue where batches go in.
#[derive(Clone)]
pub(super) struct Enqueue {
    space: Arc<Space>,
    shelf: Shelf,
    stop: Stop,
    tracer: Tracer,
    who: Arc<Who>,
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
        let result = match self.put_in_span(batch).await {
            Ok(result) => result,
            Err(rejected) => {
                self.refused.add(items);
                counts::tell_refused(&self.who, &rejected, items);
                return Err(rejected);
            }
        };
        match result {
            Some(result) => result.await.unwrap_or_else(|_| Err(closed())),
            None => Ok(()),
        }
    }

    async fn put_in_span(&self, batch: Batch) -> Result<Option<oneshot::Receiver<Answer>>, Rejected> {
        let span = self.tracer.begin(&self.who, || "exporter/enqueue".to_owned(), &batch.origin().span);
        let put = self.put(batch.under(&span)).await;
        match &put {
            Ok(_) => span.span().event("Enqueued item.", Detail::None),
            Err(rejected) => span.span().fail(&rejected.reason),
        }
        put
    }

    async fn put(&self, batch: Batch) -> Result<Option<oneshot::Receiver<Answer>>, Rejected> {
        let place = self.room(&batch).await?;
        let (sender, lost) = match &self.shelf {
            Shelf::Memory(sender, lost) => (sender, lost.clone()),
            Shelf::Disk(sender, disk, memory) => {
                let entry = disk.keep(&batch).await?;
                let held = memory.clone().try_acquire_owned().ok().map(|permit| Box::new((batch, permit)));
                // When nobody takes it any more, it is sent after the next start.
                let _ = sender.send(Waiting { entry, place, batch: held });
                return Ok(None);
            }
        };
        let (waiter, result) = self.waits_for_result.then(oneshot::channel).unzip();
        match sender.send(Piece::new(batch, place, Keeper::Memory(lost), waiter)) {
            Ok(()) => Ok(result),
            Err(mpsc::error::SendError(refused)) => {
                refused.shares.settle();
                Err(closed())
            }
        }
    }

    async fn room(&self, batch: &Batch) -> Result<Taken, Rejected> {
        if !self.waits_for_room {
            return self.space.take(batch);
        }
        // Who waits holds the queue open, and with it what its successor wants to have.
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            room = self.space.wait(batch) => room,
            () = stop.requested() => Err(closed()),
        }
    }
}

fn closed() -> Rejected {
    Rejected::closed("the sending queue is closed")
}
