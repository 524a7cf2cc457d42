//! Who takes what is said, besides the outputs of lines.

use std::sync::{Arc, PoisonError, RwLock};

use pipeline::Taker;
use tracing::Span;

use super::event::Event;

/// The name of the span in which nothing is taken.
pub const APART: &str = "own logs";
/// Crates that carry requests and say so: each own log record that is sent would make more of them.
const CARRIERS: [&str; 7] = ["h2", "hyper", "hyper_util", "rustls", "tokio_rustls", "tonic", "tower"];

/// Those who take what is said. Cheap to clone.
#[derive(Clone, Default)]
pub struct Takers(Arc<RwLock<Vec<Taker<Arc<Event>>>>>);

impl Takers {
    /// These, and nobody else.
    pub fn replace(&self, takers: Vec<Taker<Arc<Event>>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = takers;
    }

    /// Gives it to each.
    pub fn take(&self, event: Event) {
        let takers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if takers.is_empty() {
            return;
        }
        let event = Arc::new(event);
        takers.iter().for_each(|taker| taker.take(event.clone()));
    }
}

/// A span whose lines are written, and not taken.
pub fn apart() -> Span {
    tracing::error_span!(APART)
}

/// Whether the line is of a crate that carries requests.
pub fn is_of_carrier(target: &str) -> bool {
    let of = target.split_once("::").map_or(target, |(of, _)| of);
    CARRIERS.contains(&of)
}
