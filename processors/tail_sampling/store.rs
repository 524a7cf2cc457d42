//! The traces that are remembered, and when each is to be decided.

use std::collections::BTreeMap;

use pipeline::Recent;
use tokio::time::{Duration, Instant};

use super::TraceId;
use super::parts::Part;

/// Time between two rounds of decisions.
pub const ROUND: Duration = Duration::from_secs(1);

/// A trace.
pub struct Held {
    /// When its first span came.
    pub arrival: Instant,
    /// How many spans came before its decision.
    pub spans: u64,
    /// How many bytes of resources, scopes and spans came before its decision.
    pub size: u64,
    /// The spans that wait, as a request.
    pub bytes: Vec<u8>,
    /// What was decided, and when.
    pub decision: Option<(bool, Instant)>,
    /// The round in which it is decided.
    due: u64,
}

/// All traces.
pub struct Store {
    traces: Recent<TraceId, Held>,
    /// By round; a trace that was given an earlier one stands in both.
    due: BTreeMap<u64, Vec<TraceId>>,
    round: u64,
    /// Rounds from the first span on, and from the root on.
    wait: u64,
    wait_after_root: u64,
}

impl Store {
    pub fn new(wait: Duration, wait_after_root: Duration) -> Self {
        let (wait, wait_after_root) = (wait.as_secs().max(1), wait_after_root.as_secs());
        Self { traces: Recent::default(), due: BTreeMap::new(), round: 0, wait, wait_after_root }
    }

    /// How many traces there are.
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// Whether some of them wait.
    pub fn has_waiting(&self) -> bool {
        !self.due.is_empty()
    }

    pub fn get_mut(&mut self, id: &TraceId) -> Option<&mut Held> {
        self.traces.get_mut(id)
    }

    /// Forgets a trace.
    pub fn remove(&mut self, id: &TraceId) -> Option<Held> {
        self.traces.remove(id)
    }

    /// The trace that came first.
    pub fn oldest(&mut self) -> Option<TraceId> {
        self.traces.oldest()
    }

    /// The trace that came first of those that wait for nothing.
    pub fn oldest_decided(&self) -> Option<TraceId> {
        self.traces.oldest_where(|held| held.decision.is_some())
    }

    /// Takes in what came of a trace that waits or is new. True if it is new.
    pub fn add(&mut self, part: &Part) -> bool {
        let is_new = self.traces.get_mut(&part.id).is_none();
        if is_new {
            let due = self.round + self.wait;
            let held = Held { arrival: Instant::now(), spans: 0, size: 0, bytes: Vec::new(), decision: None, due };
            self.traces.insert(part.id, held);
            self.due.entry(due).or_default().push(part.id);
        }
        let earlier = self.round + self.wait_after_root;
        let may_move = part.has_root && self.wait_after_root > 0;
        if let Some(held) = self.traces.get_mut(&part.id) {
            held.spans += u64::from(part.spans);
            held.size += part.size;
            held.bytes.extend_from_slice(&part.bytes);
            if may_move && earlier < held.due {
                held.due = earlier;
                self.due.entry(earlier).or_default().push(part.id);
            }
        }
        is_new
    }

    /// The traces of the next round.
    pub fn take_round(&mut self) -> Vec<TraceId> {
        let round = self.round;
        self.round += 1;
        let mut due = self.due.remove(&round).unwrap_or_default();
        due.retain(|id| self.traces.get_mut(id).is_some_and(|held| held.decision.is_none() && held.due == round));
        due
    }

    /// All traces that wait, in the order of their rounds.
    pub fn take_all(&mut self) -> Vec<TraceId> {
        let mut all: Vec<_> = std::mem::take(&mut self.due).into_values().flatten().collect();
        let mut seen = std::collections::HashSet::new();
        all.retain(|id| self.traces.get_mut(id).is_some_and(|held| held.decision.is_none()) && seen.insert(*id));
        all
    }

    /// How many spans wait.
    pub fn waiting_spans(&self) -> u64 {
        self.traces.values().filter(|held| held.decision.is_none()).map(|held| held.spans).sum()
    }
}
