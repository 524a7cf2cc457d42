//! Token buckets by key, bounded in number.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::classes::{Classes, Limit};

/// The values of the configured keys, in their order; `None` where there is no such attribute.
pub type Key = Vec<Option<String>>;

/// How often it is looked for buckets that can go: at most once in this time, however many new streams come.
const SWEEP: Duration = Duration::from_secs(1);

/// Where the tokens of a stream are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In a bucket of its own.
    Own(Key),
    /// In the one for streams that found no bucket of their own.
    Shared,
}

/// Why tokens were not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refused {
    /// They will be there after this time.
    For(Duration),
    /// More were asked for than a full bucket holds.
    Forever,
}

/// One bucket: what was in it, and when.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    limit: Limit,
    class: usize,
    tokens: f64,
    at: Instant,
    /// The part of an item that a sample has still to give.
    credit: f64,
}

/// All buckets of one limiter.
#[derive(Debug)]
pub struct Buckets {
    classes: Classes,
    max: usize,
    by_key: HashMap<Key, Bucket>,
    shared: Option<Bucket>,
    swept: Option<Instant>,
}

impl Buckets {
    /// Buckets of so many streams.
    pub fn new(classes: Classes, max: usize) -> Self {
        Self { classes, max, by_key: HashMap::new(), shared: None, swept: None }
    }

    /// How many streams have a bucket of their own.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Finds the bucket of a stream, or makes it; the shared one if there is no room. Gives its class too.
    pub fn place(&mut self, key: Key, now: Instant) -> (Place, usize) {
        if let Some(bucket) = self.by_key.get(&key) {
            return (Place::Own(key), bucket.class);
        }
        self.make_room(now);
        if self.by_key.len() >= self.max {
            return (Place::Shared, self.classes.overflow());
        }
        let class = self.classes.of(&key);
        self.by_key.insert(key.clone(), Bucket::full(self.classes.limit(class), class, now));
        (Place::Own(key), class)
    }

    /// A bucket that is full again remembers nothing, and can go.
    fn make_room(&mut self, now: Instant) {
        let is_due = self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP);
        if self.by_key.len() >= self.max && is_due {
            self.swept = Some(now);
            self.by_key.retain(|_, bucket| bucket.level(now) < bucket.limit.burst);
        }
    }

    /// Takes `cost` tokens, or none.
    pub fn take(&mut self, place: &Place, cost: u64, now: Instant) -> bool {
        let bucket = self.filled(place, now);
        let enough = bucket.tokens >= cost as f64;
        if enough {
            bucket.tokens -= cost as f64;
        }
        enough
    }

    /// Takes all of these tokens or, when a bucket has too few, none.
    ///
    /// # Errors
    /// When they will be there, and the class of the bucket that lacks them for longest.
    pub fn take_all(&mut self, wanted: &HashMap<Place, u64>, now: Instant) -> Result<(), (Refused, usize)> {
        let mut longest: Option<(Duration, usize)> = None;
        for (place, cost) in wanted {
            let bucket = self.filled(place, now);
            let wait = bucket.wait(*cost).map_err(|never| (never, bucket.class))?;
            if !wait.is_zero() && longest.is_none_or(|(other, _)| wait > other) {
                longest = Some((wait, bucket.class));
            }
        }
        if let Some((wait, class)) = longest {
            return Err((Refused::For(wait), class));
        }
        self.spend(wanted, now);
        Ok(())
    }

    /// Takes tokens that may not be there yet; they are after the time it gives.
    pub fn spend(&mut self, wanted: &HashMap<Place, u64>, now: Instant) {
        for (place, cost) in wanted {
            self.filled(place, now).tokens -= *cost as f64;
        }
    }

    /// Whether an item that found no token belongs to the share that passes all the same.
    pub fn sample(&mut self, place: &Place, share: f64, now: Instant) -> bool {
        let bucket = self.filled(place, now);
        bucket.credit += share;
        let passes = bucket.credit >= 1.0;
        if passes {
            bucket.credit -= 1.0;
        }
        passes
    }

    /// A bucket as of `now`.
    fn filled(&mut self, place: &Place, now: Instant) -> &mut Bucket {
        let overflow = self.classes.overflow();
        let limit = self.classes.limit(overflow);
        let own = match place {
            Place::Own(key) => self.by_key.get_mut(key),
            Place::Shared => None,
        };
        let bucket = own.unwrap_or_else(|| self.shared.get_or_insert(Bucket::full(limit, overflow, now)));
        bucket.tokens = bucket.level(now);
        bucket.at = now;
        bucket
    }
}

impl Bucket {
    fn full(limit: Limit, class: usize, now: Instant) -> Self {
        Self { limit, class, tokens: limit.burst, at: now, credit: 0.0 }
    }

    fn level(&self, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.tokens + since * self.limit.rate).min(self.limit.burst)
    }

    /// How long until there are `cost` tokens.
    fn wait(&self, cost: u64) -> Result<Duration, Refused> {
        let cost = cost as f64;
        if cost > self.limit.burst {
            return Err(Refused::Forever);
        }
        let missing = (cost - self.tokens).max(0.0);
        Ok(Duration::from_secs_f64(missing / self.limit.rate))
    }
}
