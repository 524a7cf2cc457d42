//! Not the same line again and again: zap's sampling.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use pipeline::Sampling;
use tracing::Level;

/// Lines are told apart by a hash of their level and message; two that share a place are counted together.
const PLACES: usize = 4096;

pub struct Sampler {
    settings: Sampling,
    places: Vec<Option<Place>>,
}

#[derive(Clone, Copy)]
struct Place {
    since: Instant,
    seen: u32,
}

impl Sampler {
    pub fn new(settings: Sampling) -> Self {
        Self { settings, places: vec![None; PLACES] }
    }

    /// Whether a line of this level and message is written now: the first few of each tick, then one in so many.
    pub fn takes(&mut self, level: Level, message: &str, now: Instant) -> bool {
        let mut hasher = DefaultHasher::new();
        (level, message).hash(&mut hasher);
        let place = &mut self.places[hasher.finish() as usize % PLACES];
        let Sampling { tick, initial, thereafter } = self.settings;
        let old = |place: &Place| now.saturating_duration_since(place.since) >= tick;
        let current = match place {
            Some(current) if !old(current) => current,
            other => other.insert(Place { since: now, seen: 0 }),
        };
        current.seen = current.seen.saturating_add(1);
        match current.seen.checked_sub(initial) {
            None | Some(0) => true,
            Some(more) => thereafter > 0 && more % thereafter == 0,
        }
    }
}

impl std::fmt::Debug for Sampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampler").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Sampling that lets everything through needs no memory.
pub fn when_on(settings: Option<&Sampling>) -> Option<Sampler> {
    settings.filter(|settings| settings.tick > Duration::ZERO).cloned().map(Sampler::new)
}
