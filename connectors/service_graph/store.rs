//! Edges that wait for their other side.

use pipeline::Recent;
use tokio::time::{Duration, Instant};

use super::edge::Edge;

/// The trace of an edge, and the client's span in it.
pub type Key = (Vec<u8>, Vec<u8>);

/// Edges in the order in which they came.
pub struct Store {
    edges: Recent<Key, Edge>,
    most: usize,
    ttl: Duration,
}

/// What became of a span.
pub enum Outcome {
    /// Its edge waits for the other side.
    Waits,
    /// Its edge is complete.
    Complete(Box<Edge>),
    /// There was no room.
    NoRoom,
}

impl Store {
    pub fn new(most: u32, ttl: Duration) -> Self {
        Self { edges: Recent::default(), most: most as usize, ttl }
    }

    /// Tells of a span of an edge. Also says whether the edge is new, and which ones made room for it.
    pub fn tell(&mut self, key: Key, update: impl FnOnce(&mut Edge)) -> (Outcome, bool, Vec<Edge>) {
        if let Some(edge) = self.edges.get_mut(&key) {
            update(edge);
            if !edge.is_complete() {
                return (Outcome::Waits, false, Vec::new());
            }
            let edge = self.edges.remove(&key);
            return (edge.map_or(Outcome::Waits, |edge| Outcome::Complete(Box::new(edge))), false, Vec::new());
        }
        let now = Instant::now();
        let mut edge = Edge::new(key.1.iter().all(|byte| *byte == 0), now + self.ttl);
        update(&mut edge);
        if edge.is_complete() {
            return (Outcome::Complete(Box::new(edge)), true, Vec::new());
        }
        let expired = if self.edges.len() >= self.most { self.expire(now) } else { Vec::new() };
        if self.edges.len() >= self.most {
            return (Outcome::NoRoom, false, expired);
        }
        self.edges.insert(key, edge);
        (Outcome::Waits, true, expired)
    }

    /// Takes out the edges that waited long enough.
    pub fn expire(&mut self, now: Instant) -> Vec<Edge> {
        let mut expired = Vec::new();
        while let Some(oldest) = self.edges.oldest()
            && self.edges.get_mut(&oldest).is_some_and(|edge| edge.until < now)
        {
            expired.extend(self.edges.remove(&oldest));
        }
        expired
    }

    /// Forgets all. Returns how many there were.
    pub fn clear(&mut self) -> usize {
        let waiting = self.edges.len();
        self.edges = Recent::default();
        waiting
    }
}
