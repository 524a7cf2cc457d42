//! The task that holds the traces.

use config::ComponentId;
use pipeline::{Batch, Next, Rejected, RejectedKind, Signal, Stop, Tasks};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::TraceId;
use super::counts::{Counts, Reason};
use super::decide::Decider;
use super::evaluator::Verdict;
use super::parts::{self, Part};
use super::remembered::Remembered;
use super::settings::Config;
use super::store::{ROUND, Store};

/// Traces go on together until there are so many spans.
const SPANS_TOGETHER: u64 = 2000;

/// Takes spans, decides, and sends.
pub struct Worker {
    input: mpsc::Receiver<Vec<Part>>,
    next: Next,
    stop: Stop,
    stopping: bool,
    decider: Decider,
    counts: Counts,
    store: Store,
    next_round: Instant,
    most: usize,
    block: bool,
    drop_at_stop: bool,
    largest: u64,
    sampled: Remembered,
    not_sampled: Remembered,
    out: Out,
}

/// What was decided to go on and has not been sent yet.
#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
    spans: u64,
}

impl Worker {
    /// An edge into sampling in front of `next`. Its task ends when nobody holds the edge any longer.
    pub fn around(
        next: Next,
        config: &Config,
        decider: Decider,
        counts: Counts,
        id: &ComponentId,
        tasks: &mut Tasks,
    ) -> Next {
        // As in the Collector, so many requests wait in front of the task; then their senders wait.
        let (sender, input) = mpsc::channel(std::thread::available_parallelism().map_or(1, usize::from));
        let worker = Self {
            input,
            next,
            stop: tasks.stop(),
            stopping: false,
            decider,
            counts,
            store: Store::new(config.decision_wait, config.decision_wait_after_root_received),
            next_round: Instant::now(),
            most: usize::try_from(config.num_traces).unwrap_or(usize::MAX),
            block: config.block_on_overflow,
            drop_at_stop: config.drop_pending_traces_on_shutdown,
            largest: config.maximum_trace_size_bytes,
            sampled: Remembered::new(config.decision_cache.sampled_cache_size),
            not_sampled: Remembered::new(config.decision_cache.non_sampled_cache_size),
            out: Out::default(),
        };
        tasks.spawn(id.to_string(), worker.run());
        Next::from_fn(move |batch| {
            let sender = sender.clone();
            async move {
                let parts = parts::by_trace(&batch.encode()).map_err(|fault| Rejected::permanent(fault.to_string()))?;
                sender.send(parts).await.map_err(|_| Rejected::closed("the tail_sampling processor has stopped"))
            }
        })
    }

    async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(self.next_round), if self.store.has_waiting() => self.round().await,
                received = self.input.recv() => match received {
                    Some(parts) => self.take(parts).await,
                    None => break,
                },
                () = self.stop.requested(), if !self.stopping => {
                    self.stopping = true;
                    self.finish().await;
                }
            }
        }
        self.finish().await;
    }

    /// A round of decisions; those that were missed while the next component was slow come one after the other.
    async fn round(&mut self) {
        self.next_round += ROUND;
        let due = self.store.take_round();
        self.decide(due).await;
    }

    /// Decides all that wait, or drops them.
    async fn finish(&mut self) {
        let waiting = self.store.take_all();
        if self.drop_at_stop {
            waiting.iter().for_each(|id| self.forget(id, Reason::Shutdown));
        } else {
            self.decide(waiting).await;
        }
    }

    async fn decide(&mut self, ids: Vec<TraceId>) {
        let start = std::time::Instant::now();
        for id in ids {
            let Some(held) = self.store.get_mut(&id) else { continue };
            let verdict = match self.decider.at_once {
                // Whoever wanted it would have said so before.
                true => Verdict::NotSampled,
                false => self.decider.whole(id, held.spans, &held.bytes),
            };
            self.conclude(id, verdict);
            self.send(SPANS_TOGETHER).await;
        }
        self.decider.count();
        self.counts.round(start.elapsed(), self.store.len());
        self.send(1).await;
    }

    /// Notes a decision, and moves what is to go on to the rest.
    fn conclude(&mut self, id: TraceId, verdict: Verdict) {
        self.counts.decided(verdict);
        let Some(held) = self.store.get_mut(&id) else { return };
        let (bytes, spans) = (std::mem::take(&mut held.bytes), held.spans);
        let sampled = verdict == Verdict::Sampled;
        held.decision = Some((sampled, Instant::now()));
        match verdict {
            Verdict::Sampled => self.out.add(&bytes, spans),
            Verdict::NotSampled => self.counts.lost(Reason::NotSampled, spans),
            Verdict::Dropped => self.counts.lost(Reason::DropPolicy, spans),
        }
        let remembered = if sampled { &mut self.sampled } else { &mut self.not_sampled };
        if (remembered.put(id) || (self.decider.at_once && !sampled))
            && let Some(held) = self.store.remove(&id)
        {
            self.counts.removed(held.arrival.elapsed());
        }
    }

    async fn take(&mut self, parts: Vec<Part>) {
        for part in parts {
            if self.is_remembered(&part) {
                continue;
            }
            if self.store.get_mut(&part.id).is_none() {
                self.make_room().await;
            }
            self.add(part);
            self.send(SPANS_TOGETHER).await;
        }
        self.send(1).await;
        if self.stopping {
            self.finish().await;
        }
    }

    /// Whether the trace was decided and is forgotten but for that.
    fn is_remembered(&mut self, part: &Part) -> bool {
        let sampled = self.sampled.has(&part.id);
        if !sampled && !self.not_sampled.has(&part.id) {
            return false;
        }
        self.counts.cached(sampled, part.spans);
        self.follow(sampled, part);
        true
    }

    /// What comes after the decision goes its way.
    fn follow(&mut self, sampled: bool, part: &Part) {
        match sampled {
            true => self.out.add(&part.bytes, part.spans.into()),
            false => self.counts.lost(Reason::NotSampled, part.spans.into()),
        }
    }

    /// Makes room for one more trace, or waits until there is.
    async fn make_room(&mut self) {
        while self.store.len() >= self.most {
            let goes = if self.block { self.store.oldest_decided() } else { self.store.oldest() };
            match goes {
                Some(id) => self.forget(&id, Reason::Evicted),
                None if self.stopping => self.finish().await,
                None => {
                    sleep_until(self.next_round).await;
                    self.round().await;
                }
            }
        }
    }

    /// Forgets a trace; spans of it that wait are lost.
    fn forget(&mut self, id: &TraceId, reason: Reason) {
        let Some(held) = self.store.remove(id) else { return };
        self.counts.removed(held.arrival.elapsed());
        if held.decision.is_none() {
            self.counts.lost(reason, held.spans);
            self.counts.too_early();
        }
    }

    fn add(&mut self, part: Part) {
        if let Some((sampled, at)) = self.store.get_mut(&part.id).and_then(|held| held.decision) {
            self.counts.late(at.elapsed());
            return self.follow(sampled, &part);
        }
        if !self.store.has_waiting() {
            // There was no clock while nothing waited.
            self.next_round = Instant::now();
        }
        if self.store.add(&part) {
            self.counts.new_trace();
        }
        let Some(held) = self.store.get_mut(&part.id) else { return };
        if self.largest > 0 && held.size > self.largest {
            self.counts.too_large.add(1_u64);
            self.counts.lost(Reason::TooLarge, held.spans);
            held.bytes = Vec::new();
            held.decision = Some((false, Instant::now()));
            self.not_sampled.put(part.id);
        } else if self.decider.at_once
            && let Some(verdict) = self.decider.part(part.id, held.spans, &part.bytes)
        {
            self.conclude(part.id, verdict);
        }
    }

    /// Sends what has to go on, if it is at least so many spans.
    async fn send(&mut self, least: u64) {
        if self.out.spans < least {
            return;
        }
        // The task may be ended while it waits: then these count as lost.
        let Ok(batch) = Batch::received(Signal::Traces, self.out.bytes.clone().into(), Default::default()) else {
            return self.counts.refused.add(RejectedKind::Permanent, self.out.take());
        };
        let items = batch.items();
        if let Err(rejected) = self.next.send(batch).await {
            let lost = rejected.items(items);
            self.counts.refused.add(rejected.kind, lost);
            tracing::warn!(items = lost, error = %rejected, "Error sending spans to destination");
        }
        self.out.take();
    }
}

impl Out {
    fn add(&mut self, bytes: &[u8], spans: u64) {
        self.bytes.extend_from_slice(bytes);
        self.spans += spans;
    }

    /// Forgets all. Returns how many spans that were.
    fn take(&mut self) -> u64 {
        self.bytes.clear();
        std::mem::take(&mut self.spans)
    }
}

/// A stop that ran out of time ends the task where it stands.
impl Drop for Worker {
    fn drop(&mut self) {
        let mut lost = self.store.waiting_spans() + self.out.spans;
        while let Ok(parts) = self.input.try_recv() {
            lost += parts.iter().map(|part| u64::from(part.spans)).sum::<u64>();
        }
        if lost > 0 {
            self.counts.lost(Reason::Shutdown, lost);
            tracing::error!(items = lost, "spans were lost because the tail_sampling processor had to end");
        }
    }
}
