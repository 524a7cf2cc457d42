//! Elements on disk, in turn.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Disk, Entry};
use crate::delivery::queue::consumer::Pieces;
use crate::delivery::queue::element::{Keeper, Piece};
use crate::delivery::queue::space::Taken;
use crate::{Batch, Stop};

/// At the stop, what can be sent at once is; the disk has the rest.
const AT_STOP: Duration = Duration::from_secs(5);
/// How often it is said how much is left.
const SAY_EVERY: Duration = Duration::from_secs(5);
const SAY_AT_STOP_EVERY: Duration = Duration::from_secs(2);

/// An element whose turn will come.
pub struct Waiting {
    pub entry: Entry,
    pub place: Taken,
    /// The first few need not be read.
    pub batch: Option<Box<(Batch, OwnedSemaphorePermit)>>,
}

/// Hands out what waits.
pub struct Reader {
    pub waiting: mpsc::UnboundedReceiver<Waiting>,
    pub disk: Arc<Disk>,
    pub stop: Stop,
    /// The next one, while it is read.
    next: Option<Waiting>,
    until: Option<Instant>,
    /// Tells, by being dropped, that nothing more will be handed out.
    _running: oneshot::Sender<()>,
}

impl Reader {
    pub fn new(
        waiting: mpsc::UnboundedReceiver<Waiting>,
        disk: Arc<Disk>,
        stop: Stop,
        running: oneshot::Sender<()>,
    ) -> Self {
        Self { waiting, disk, stop, next: None, until: None, _running: running }
    }

    async fn wait(&mut self) -> Option<Waiting> {
        if !self.stop.is_requested() {
            tokio::select! {
                next = self.waiting.recv() => return next,
                () = self.stop.requested() => {}
            }
        }
        let until = *self.until.get_or_insert_with(|| Instant::now() + AT_STOP);
        self.waiting.close();
        if self.disk.halted.load(Ordering::Relaxed) || Instant::now() >= until {
            return None;
        }
        timeout_at(until, self.waiting.recv()).await.ok().flatten()
    }
}

impl Pieces for Reader {
    async fn next(&mut self) -> Option<Piece> {
        loop {
            if self.next.is_none() {
                self.next = self.wait().await;
            }
            let waiting = self.next.as_ref()?;
            let (entry, held) = (waiting.entry, waiting.batch.as_ref().map(|held| held.0.clone()));
            let batch = match held {
                Some(batch) => Some(batch),
                None => self.disk.read(entry).await,
            };
            let place = self.next.take()?.place;
            if let Some(batch) = batch {
                return Some(Piece::new(batch, place, Keeper::Disk(self.disk.kept(entry)), None));
            }
        }
    }
}

/// Says how much is left: of what was there at the start, and at the stop of everything.
pub struct Left {
    pub disk: Arc<Disk>,
    pub stop: Stop,
    pub running: oneshot::Receiver<()>,
}

impl Left {
    pub async fn run(self) {
        let Self { disk, mut stop, mut running } = self;
        while !stop.is_requested() {
            tokio::select! {
                () = sleep(SAY_EVERY) => {}
                () = stop.requested() => break,
            }
            let requests = disk.from_before.load(Ordering::Relaxed);
            if requests > 0 {
                tracing::info!(queue = disk.name, requests, "still sending what was on disk at the start");
            }
        }
        loop {
            tokio::select! {
                // Dropped, which is the only thing that happens to it.
                _ = &mut running => return,
                () = sleep(SAY_AT_STOP_EVERY) => {}
            }
            if let Ok(keys) = disk.storage.keys().await {
                let requests = keys.len();
                tracing::info!(queue = disk.name, requests, "sending what is on disk before the stop");
            }
        }
    }
}
