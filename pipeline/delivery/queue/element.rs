//! The responsibility for what was put into a queue, however it is cut and joined on its way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use tokio::sync::oneshot;

use super::disk::Kept;
use super::space::Taken;
use crate::delivery::Place;
use crate::{Batch, ItemCounter, Rejected, RejectedKind};

/// The answer to one element.
pub type Answer = Result<(), Rejected>;

/// One batch as it was put in. It lives as long as some [`Share`] of it, and then answers who waits.
#[derive(Debug)]
struct Element {
    _place: Taken,
    keeper: Keeper,
    /// Some of it has no answer, or none but that of the stop.
    interrupted: AtomicBool,
    failures: Mutex<Vec<Failure>>,
    waiter: Option<oneshot::Sender<Answer>>,
    items: u32,
}

/// Where an element is until it is delivered.
#[derive(Debug)]
pub enum Keeper {
    /// Nowhere else: what the stop interrupts is lost, and counted here.
    Memory(Lost),
    /// On disk as well, where it stays when the stop interrupts it.
    Disk(Kept),
}

#[derive(Debug)]
struct Failure {
    rejected: Rejected,
    rest: Option<Batch>,
}

/// A part of an element, or the whole. Dropped without an answer, its items are lost and counted.
#[derive(Debug)]
pub struct Share {
    element: Arc<Element>,
    items: u32,
    /// What was not taken goes back to a sender who waits.
    part: Option<Batch>,
    answered: bool,
}

/// What is sent at once: a batch, and whose items are in it.
#[derive(Debug)]
pub struct Piece {
    pub batch: Batch,
    pub shares: Shares,
}

/// Whose items are in one piece.
#[derive(Debug, Default)]
pub struct Shares(Vec<Share>);

impl Piece {
    /// The whole of a new element. `waiter` is answered when all of it was.
    pub fn new(batch: Batch, place: Taken, keeper: Keeper, waiter: Option<oneshot::Sender<Answer>>) -> Self {
        let (items, part) = (batch.items(), waiter.is_some().then(|| batch.clone()));
        let interrupted = AtomicBool::new(false);
        let element = Element { _place: place, keeper, interrupted, failures: Mutex::default(), waiter, items };
        let share = Share { element: Arc::new(element), items, part, answered: false };
        Self { batch, shares: Shares(vec![share]) }
    }

    /// The same, cut into these batches.
    pub fn cut(self, parts: Vec<Batch>) -> Vec<Self> {
        let share = |batch: Batch| {
            let shares = self.shares.0.iter().map(|share| share.part(&batch)).collect();
            Self { batch, shares: Shares(shares) }
        };
        let pieces = parts.into_iter().map(share).collect();
        self.shares.settle();
        pieces
    }
}

impl Shares {
    /// With those of another piece, which is sent together with this one.
    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Answers for everything in the piece.
    pub fn answer(self, answer: &Answer) {
        let rest = match (&self.0[..], answer) {
            // Only what was never joined with others can be told apart again.
            ([_], Err(rejected)) => rejected.rest.clone(),
            _ => None,
        };
        for share in self.0 {
            share.answer(answer, rest.clone());
        }
    }

    /// Whether all of it is on disk.
    pub fn are_kept(&self) -> bool {
        self.0.iter().all(|share| matches!(share.element.keeper, Keeper::Disk(_)))
    }

    /// Nobody needs to be told: others have taken over, or the sender still has it and knows.
    pub fn settle(self) {
        self.answer(&Ok(()));
    }
}

impl Share {
    fn part(&self, batch: &Batch) -> Self {
        let part = self.part.is_some().then(|| batch.clone());
        Self { element: self.element.clone(), items: batch.items(), part, answered: false }
    }

    fn answer(mut self, answer: &Answer, rest: Option<Batch>) {
        self.answered = true;
        if let Err(rejected) = answer {
            if rejected.kind == RejectedKind::Closed {
                self.element.interrupted.store(true, Ordering::Relaxed);
            }
            let rest = rest.or_else(|| self.part.take());
            self.element.failed(Failure { rejected: Rejected { rest: None, ..rejected.clone() }, rest });
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if !self.answered {
            self.element.interrupted.store(true, Ordering::Relaxed);
            if let Keeper::Memory(lost) = &self.element.keeper {
                lost.add(self.items);
            }
            let rejected = Rejected::closed("the time to stop was over");
            self.element.failed(Failure { rejected, rest: self.part.take() });
        }
    }
}

impl Element {
    fn failed(&self, failure: Failure) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    }

    /// One answer for all shares, with what failed if that is not all.
    fn outcome(&mut self) -> Answer {
        let failures = std::mem::take(self.failures.get_mut().unwrap_or_else(PoisonError::into_inner));
        let (rejected, rests): (Vec<_>, Vec<_>) = failures.into_iter().map(|f| (f.rejected, f.rest)).unzip();
        let whole = self.items;
        Rejected::join(rejected).map_err(|joined| {
            let rests: Option<Vec<_>> = rests.into_iter().collect();
            let origin = rests.as_ref().and_then(|rests| rests.first()).map(|batch| batch.origin().clone());
            let rest = rests.zip(origin).and_then(|(rests, origin)| Batch::concat(rests, origin));
            Rejected { rest: rest.filter(|rest| rest.items() < whole), ..joined }
        })
    }
}

impl Drop for Element {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            // A sender that went away does not want to know.
            let _ = waiter.send(self.outcome());
        }
        if let Keeper::Disk(kept) = &self.keeper {
            match self.interrupted.load(Ordering::Relaxed) {
                true => kept.stay(),
                false => kept.forget(),
            }
        }
    }
}

/// Items that a queue held when the time to stop was over.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    counter: ItemCounter,
    total: Arc<AtomicU64>,
    name: Arc<str>,
}

impl Lost {
    pub fn new(place: Place<'_>) -> Self {
        let labels =
            vec![KeyValue::new("exporter", place.id.to_owned()), KeyValue::new("data_type", place.signal.name())];
        let about = "Number of items that a queue still held when the time to stop was over.";
        let counter = place.telemetry.items("kpulse_exporter_lost_items".into(), about, labels);
        Self { counter, total: Arc::default(), name: format!("{} ({})", place.id, place.signal).into() }
    }

    fn add(&self, items: u32) {
        self.counter.add(items);
        self.total.fetch_add(items.into(), Ordering::Relaxed);
    }

    /// Says in the log what was lost.
    pub(crate) fn report(&self) {
        let items = self.total.load(Ordering::Relaxed);
        if items > 0 {
            tracing::error!(queue = %self.name, items, "items lost: not delivered when the time to stop was over");
        }
    }
}
