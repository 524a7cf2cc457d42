//! The decision on each request, and on each item where a part of it may pass.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pipeline::component::{BuildContext, Transform, Verdict};
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, Code, Rejected, Signal, Undecodable};

use super::buckets::{Buckets, Key, Place, Refused};
use super::classes::Classes;
use super::counts::{Counts, Decision};
use super::items::{Item, Items};
use super::{Config, Strategy, Throttle};

/// The tokens that a request wants from each bucket, and its items by class.
#[derive(Default)]
struct Wanted {
    tokens: HashMap<Place, u64>,
    items: HashMap<usize, u64>,
}

/// One limiter.
pub struct RateLimit {
    config: Config,
    buckets: Arc<Mutex<Buckets>>,
    counts: Counts,
}

impl Transform for RateLimit {
    fn apply(&self, batch: Batch) -> Verdict {
        self.apply_at(batch, Instant::now())
    }
}

impl RateLimit {
    /// Full buckets.
    pub fn new(config: Config, cx: &BuildContext) -> Self {
        let classes = Classes::new(&config);
        let buckets = Arc::new(Mutex::new(Buckets::new(classes.clone(), config.max_buckets as usize)));
        Self { counts: Counts::new(cx, &classes, buckets.clone()), buckets, config }
    }

    /// Decides as of `now`.
    pub fn apply_at(&self, batch: Batch, now: Instant) -> Verdict {
        match batch.signal() {
            Signal::Traces => self.limit::<TracesRequest>(batch, now),
            Signal::Metrics => self.limit::<MetricsRequest>(batch, now),
            Signal::Logs => self.limit::<LogsRequest>(batch, now),
            Signal::Profiles => self.limit::<ProfilesRequest>(batch, now),
        }
        .unwrap_or_else(|undecodable| Verdict::Reject(Rejected::permanent(undecodable.to_string())))
    }

    fn limit<T: Items>(&self, mut batch: Batch, now: Instant) -> Result<Verdict, Undecodable> {
        // Without keys a request is decided on as a whole, and nothing has to be decoded for it.
        let whole = self.config.keys.is_empty();
        let fits_part = matches!(self.config.throttle_behavior, Throttle::Drop | Throttle::Sample);
        if whole || !fits_part {
            let wanted = if whole { self.of_batch(&batch, now) } else { self.of_items::<T>(&mut batch, now)? };
            let Err((refused, class)) = self.lock().take_all(&wanted.tokens, now) else {
                self.count(&wanted, Decision::Passed);
                return Ok(Verdict::Pass(batch));
            };
            match self.config.throttle_behavior {
                Throttle::Error => return Ok(self.reject(&wanted, refused)),
                Throttle::Delay => return Ok(self.delay(batch, &wanted, refused, now)),
                Throttle::Drop | Throttle::Sample if self.config.strategy == Strategy::Requests => {
                    return Ok(self.whole_or_nothing(batch, &wanted, class, now));
                }
                // A part of it may still fit.
                Throttle::Drop | Throttle::Sample => {}
            }
        }
        self.part_by_part::<T>(batch, now)
    }

    fn of_batch(&self, batch: &Batch, now: Instant) -> Wanted {
        let cost = match self.config.strategy {
            Strategy::Requests => 1,
            Strategy::Records => u64::from(batch.items()),
            Strategy::Bytes => batch.encode().len() as u64,
        };
        let (place, class) = self.lock().place(self.metadata(batch), now);
        Wanted { tokens: [(place, cost)].into(), items: [(class, u64::from(batch.items()))].into() }
    }

    fn of_items<T: Items>(&self, batch: &mut Batch, now: Instant) -> Result<Wanted, Undecodable> {
        let (metadata, mut wanted, mut buckets) = (self.metadata(batch), Wanted::default(), self.lock());
        if let Some(request) = batch.read::<T>()? {
            request.visit(&mut |item| {
                let (place, class) = buckets.place(self.key(&metadata, item), now);
                *wanted.tokens.entry(place).or_default() += self.cost(item);
                *wanted.items.entry(class).or_default() += 1;
            });
        }
        Ok(wanted)
    }

    fn part_by_part<T: Items>(&self, mut batch: Batch, now: Instant) -> Result<Verdict, Undecodable> {
        let metadata = self.metadata(&batch);
        batch.change::<T>(|request| {
            let mut buckets = self.lock();
            request.retain(&mut |item| {
                let (place, class) = buckets.place(self.key(&metadata, item), now);
                let decision = match buckets.take(&place, self.cost(item), now) {
                    true => Decision::Passed,
                    false if self.samples(&mut buckets, &place, item, now) => Decision::Sampled,
                    false => Decision::Dropped,
                };
                self.counts.add(class, decision, 1);
                decision != Decision::Dropped
            });
        })?;
        Ok(if batch.items() == 0 { Verdict::Empty } else { Verdict::Pass(batch) })
    }

    fn whole_or_nothing(&self, batch: Batch, wanted: &Wanted, class: usize, now: Instant) -> Verdict {
        let mut buckets = self.lock();
        let share = self.share();
        let passes = share > 0.0 && wanted.tokens.keys().any(|place| buckets.sample(place, share, now));
        let decision = if passes { Decision::Sampled } else { Decision::Dropped };
        self.counts.add(class, decision, batch.items().into());
        if passes { Verdict::Pass(batch) } else { Verdict::Empty }
    }

    fn samples(&self, buckets: &mut Buckets, place: &Place, item: &Item<'_>, now: Instant) -> bool {
        let share = self.share();
        match randomness(item.trace_id) {
            Some(place_in_all) => place_in_all < share,
            None => share > 0.0 && buckets.sample(place, share, now),
        }
    }

    fn share(&self) -> f64 {
        if self.config.throttle_behavior == Throttle::Sample { self.config.sample_percentage / 100.0 } else { 0.0 }
    }

    fn reject(&self, wanted: &Wanted, refused: Refused) -> Verdict {
        self.count(wanted, Decision::Rejected);
        Verdict::Reject(match refused {
            Refused::For(wait) => {
                let reason = format!("rate limit of {} a second exceeded", self.config.rate);
                Rejected {
                    code: Some(Code::ResourceExhausted),
                    retry_after: Some(wait.max(self.config.retry_delay)),
                    ..Rejected::retryable(reason)
                }
            }
            Refused::Forever => Rejected::permanent(format!(
                "the request is larger than the rate limit's burst of {}; send smaller ones",
                self.config.burst
            )),
        })
    }

    fn delay(&self, batch: Batch, wanted: &Wanted, refused: Refused, now: Instant) -> Verdict {
        let too_late = |wait: Duration| batch.origin().deadline.is_some_and(|deadline| now + wait > deadline);
        match refused {
            Refused::For(wait) if !too_late(wait) => {
                self.lock().spend(&wanted.tokens, now);
                self.count(wanted, Decision::Delayed);
                Verdict::PassLater(batch, wait)
            }
            refused => self.reject(wanted, refused),
        }
    }

    fn key(&self, metadata: &Key, item: &Item<'_>) -> Key {
        metadata.iter().cloned().chain(self.config.keys.iter().map(|name| item.lookup(name))).collect()
    }

    fn cost(&self, item: &Item<'_>) -> u64 {
        if self.config.strategy == Strategy::Bytes { item.bytes as u64 } else { 1 }
    }

    /// The values of client metadata; several of one name are joined.
    fn metadata(&self, batch: &Batch) -> Key {
        let metadata = &batch.origin().metadata;
        let values = |name: &String| {
            let named = metadata.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.clone()).reduce(|all, one| format!("{all},{one}"))
        };
        self.config.metadata_keys.iter().map(values).collect()
    }

    fn count(&self, wanted: &Wanted, decision: Decision) {
        wanted.items.iter().for_each(|(class, items)| self.counts.add(*class, decision, *items));
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a trace lies between 0 and 1, by the random part of its id: its last seven bytes.
fn randomness(trace_id: &[u8]) -> Option<f64> {
    let tail = trace_id.get(9..16)?;
    let number = tail.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    Some(number as f64 / (1u64 << 56) as f64)
}
