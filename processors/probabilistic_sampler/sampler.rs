//! The decision about one item, for spans and log records alike.

use super::decision::{Decision, Policy};
use super::{Config, Mode};
use pipeline::sampling::{Malformed, Randomness, State, Threshold, fnv_1a_32};

/// How items are chosen.
pub struct Sampler {
    how: How,
    fail_closed: bool,
    seed: [u8; 4],
}

enum How {
    Never,
    Hash(Threshold),
    Equalizing(Threshold),
    Proportional { ratio: f64, precision: u32 },
}

/// What is random about an item, before it is asked what it says itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance(pub Randomness, pub Policy);

/// The threshold that an item asks for, whatever its randomness.
pub type Priority = Option<Threshold>;

/// Why the usual way does not work for an item.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("what it says of its sampling is {0}")]
    Malformed(#[from] Malformed),
    #[error("it says how it was sampled, which mode equalizing or proportional would understand")]
    InUse,
    #[error("nothing is random about it")]
    MissingRandomness,
    #[error("it should not have passed the threshold that it says")]
    Inconsistent,
}

impl Sampler {
    pub fn new(config: &Config) -> Self {
        // The Collector reads 32 bits, and its hashed threshold is what these give.
        let percentage = config.sampling_percentage.min(100.0) as f32;
        let ratio = f64::from(percentage) / 100.0;
        let accepted = (percentage * 163.84_f32) as u32;
        let precision = config.sampling_precision;
        let equal = Threshold::of_probability(ratio.max(Threshold::LEAST_PROBABILITY), precision);
        let how = match config.mode {
            _ if percentage == 0.0 => How::Never,
            Mode::HashSeed if accepted == 0 => How::Never,
            Mode::HashSeed => How::Hash(Threshold::of_14_bits(accepted)),
            Mode::Equalizing => How::Equalizing(equal.unwrap_or(Threshold::ALWAYS)),
            Mode::Proportional => How::Proportional { ratio, precision },
        };
        Self { how, fail_closed: config.fail_closed, seed: config.hash_seed.to_le_bytes() }
    }

    /// Whether the trace id is hashed, and does not count by itself.
    pub fn hashes(&self) -> bool {
        matches!(self.how, How::Hash(_))
    }

    /// The randomness that a hash gives: the decision is on 14 of its bits, the others fill up.
    pub fn hashed(&self, bytes: &[u8]) -> Randomness {
        let hash = fnv_1a_32(&[&self.seed, bytes]);
        let bits = u64::from(hash & 0x3fff);
        let unused = u64::from(hash >> 18);
        let mixed = unused ^ (unused << 10);
        Randomness::of_bits((0x3fff - bits) << 42 | mixed << 14 | bits)
    }

    /// Decides, and notes in `state` what the item is to say from now on.
    pub fn decide(
        &self,
        chance: Option<Chance>,
        state: &mut Result<State, Malformed>,
        priority: impl FnOnce() -> Priority,
    ) -> Decision {
        let (mut chance, mut trouble) = match self.chance(chance, state) {
            Ok(chance) => (chance, None),
            Err((chance, trouble)) => (chance, Some(trouble)),
        };
        // In use: what the item says is left as it is.
        let mut mine = state.as_mut().ok().filter(|_| !matches!(trouble, Some(Trouble::InUse)));
        if trouble.is_none() {
            trouble = consistent(chance, mine.as_deref_mut()).err();
        }
        let mut threshold = match &trouble {
            Some(trouble) => {
                tracing::debug!(%trouble, "an item cannot be sampled as usual");
                if self.fail_closed { Threshold::NEVER } else { Threshold::ALWAYS }
            }
            None => self.threshold(mine.as_deref()),
        };
        if let Some(wanted) = priority() {
            threshold = wanted;
            chance = Some(Chance(chance.map_or(Randomness::MOST, |chance| chance.0), Policy::SamplingPriority));
        }
        let Chance(randomness, policy) = chance.unwrap_or(Chance(Randomness::MOST, Policy::MissingRandomness));
        let sampled = threshold.lets_pass(randomness);
        let changed = match mine {
            Some(state) if sampled => {
                // A threshold is never lowered: what was dropped before would count less than it should.
                state.threshold = Some(state.threshold.map_or(threshold, |passed| passed.max(threshold)));
                true
            }
            _ => false,
        };
        Decision { sampled, policy, changed }
    }

    /// What is random about an item that says this.
    fn chance(
        &self,
        own: Option<Chance>,
        state: &mut Result<State, Malformed>,
    ) -> Result<Option<Chance>, (Option<Chance>, Trouble)> {
        let nothing = Chance(Randomness::MOST, Policy::SamplingPriority);
        match (&self.how, state) {
            (How::Never, Ok(_)) => Ok(Some(nothing)),
            (How::Never, state @ Err(_)) => {
                // Whatever is kept in spite of this says it in a list of its own, as in the Collector.
                let malformed = std::mem::replace(state, Ok(State::default())).err();
                Err((Some(nothing), malformed.unwrap_or(Malformed::Syntax).into()))
            }
            (How::Hash(_), Err(malformed)) => Err((own, (*malformed).into())),
            (How::Hash(_), Ok(said)) if *said != State::default() => Err((own, Trouble::InUse)),
            (How::Hash(_), Ok(state)) => {
                state.randomness = own.map(|chance| chance.0);
                Ok(own)
            }
            (_, Err(malformed)) => Err((None, (*malformed).into())),
            (_, Ok(State { randomness: Some(said), .. })) => Ok(Some(Chance(*said, Policy::SamplingRandomness))),
            (_, Ok(_)) => Ok(own),
        }
    }

    fn threshold(&self, state: Option<&State>) -> Threshold {
        let said = state.and_then(|state| state.threshold);
        match self.how {
            How::Never => Threshold::NEVER,
            How::Hash(threshold) => threshold,
            How::Equalizing(threshold) => said.map_or(threshold, |said| said.max(threshold)),
            How::Proportional { ratio, precision } => {
                let probability = said.map_or(1.0, Threshold::probability) * ratio;
                // Less than can be said is nothing.
                Threshold::of_probability(probability, precision).unwrap_or(Threshold::NEVER)
            }
        }
    }
}

/// Whether an item may have passed the threshold it says; one that may not have is forgotten.
fn consistent(chance: Option<Chance>, state: Option<&mut State>) -> Result<(), Trouble> {
    let Some(Chance(randomness, _)) = chance else { return Err(Trouble::MissingRandomness) };
    match state {
        Some(state) if state.threshold.is_some_and(|threshold| !threshold.lets_pass(randomness)) => {
            state.threshold = None;
            Err(Trouble::Inconsistent)
        }
        _ => Ok(()),
    }
}
