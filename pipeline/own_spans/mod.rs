//! Spans of what this program itself does with batches: `service::telemetry::traces`.
//!
//! Names, attributes and events are the Collector's: a span for each batch that a receiver hands over, in which each
//! processor is two events, one for the queue, and one for each export. Their context goes with the batch, in its
//! [`crate::Origin`]. While nobody wants spans, a batch costs one load of a flag at each of these places.

mod recent;
mod span;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::proto::trace::v1 as proto;
use crate::{Batch, Signal, Taker};

pub use recent::{Recent, Sample};
pub use span::{Active, Context, Detail, Span};

/// Makes spans, once somebody takes them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_on: AtomicBool,
    propagates: AtomicBool,
    rules: Mutex<Rules>,
    recent: Mutex<Recent>,
    keys: RandomState,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Rules {
    sampling: Sampling,
    takers: Vec<Taker<Finished>>,
}

/// Of which traces spans are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// This share of the traces that begin here.
    pub roots: f64,
    /// Whether a trace that began elsewhere goes on as its sender decided.
    pub heeds_parents: bool,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { roots: 1.0, heeds_parents: true }
    }
}

/// A span that is over, and whose it is.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The component that did it.
    pub who: Arc<Who>,
    /// The span.
    pub span: proto::Span,
}

/// The component that a span is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Its id as written.
    pub id: String,
    /// `receiver` or `exporter`.
    pub kind: &'static str,
    /// What it carries.
    pub signal: Signal,
}

impl Who {
    /// A component and one of its signals.
    pub fn new(id: impl Into<String>, kind: &'static str, signal: Signal) -> Arc<Self> {
        Arc::new(Self { id: id.into(), kind, signal })
    }
}

impl Tracer {
    /// From now on these take the spans; nobody is nobody, and then there are none.
    /// `propagates`: what senders say of their trace counts, and backends are told of ours.
    pub fn send_to(&self, takers: Vec<Taker<Finished>>, sampling: Sampling, propagates: bool) {
        self.0.propagates.store(propagates && !takers.is_empty(), Ordering::Relaxed);
        self.0.is_on.store(!takers.is_empty(), Ordering::Relaxed);
        *self.rules() = Rules { sampling, takers };
        *self.0.recent.lock().unwrap_or_else(PoisonError::into_inner) = Recent::default();
    }

    /// Whether spans are made.
    pub fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::Relaxed)
    }

    /// The span of a sender, by its header `traceparent`, if that counts.
    pub fn sender(&self, traceparent: impl FnOnce() -> Option<String>) -> Span {
        if !self.0.propagates.load(Ordering::Relaxed) {
            return Span::default();
        }
        traceparent().and_then(|text| Context::parse(&text)).map_or_else(Span::default, Span::known)
    }

    /// The header `traceparent` for a request with this batch, if backends are told.
    pub fn traceparent(&self, batch: &Batch) -> Option<String> {
        let propagates = self.0.propagates.load(Ordering::Relaxed);
        batch.origin().span.context().filter(|_| propagates).map(|context| context.to_string())
    }

    /// What was seen since spans are made.
    pub fn recent(&self) -> Recent {
        self.0.recent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins a span below `parent`; it is over when it is dropped.
    pub fn begin(&self, who: &Arc<Who>, name: impl FnOnce() -> String, parent: &Span) -> Active {
        if !self.is_on() {
            return Active::none();
        }
        let context = self.context(parent.context());
        match context.is_sampled {
            true => Active::begin(self.clone(), who.clone(), name(), context, parent.context()),
            false => Active::unseen(context),
        }
    }

    fn context(&self, parent: Option<Context>) -> Context {
        let sampling = self.rules().sampling;
        let trace = parent.map_or_else(|| self.number(), |parent| parent.trace);
        let by_share = || (trace as u64) as f64 / u64::MAX as f64 <= sampling.roots && sampling.roots > 0.0;
        let is_sampled = match parent {
            Some(parent) if sampling.heeds_parents || !parent.is_remote => parent.is_sampled,
            _ => by_share(),
        };
        Context { trace, span: self.number() as u64, is_sampled, is_remote: false }
    }

    /// Never the same, never 0, and nothing that anybody could guess.
    fn number(&self) -> u128 {
        let count = self.0.next.fetch_add(1, Ordering::Relaxed);
        let half = |salt: u8| u128::from(self.0.keys.hash_one((count, salt)));
        (half(0) << 64 | half(1)).max(1)
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, finished: Finished) {
        self.0.recent.lock().unwrap_or_else(PoisonError::into_inner).note(&finished.span);
        for taker in &self.rules().takers {
            taker.take(finished.clone());
        }
    }
}
