//! What all policies together say of a trace.

use std::time::{Duration, Instant};

use pipeline::component::BuildContext;

use super::TraceId;
use super::counts::{Counts, PolicyCounts};
use super::evaluator::{Evaluate, Seen, Verdict};
use super::settings::{Config, Strategy};
use ottl::Failures;

/// A policy with what is counted of it.
pub struct Named {
    evaluator: Box<dyn Evaluate>,
    /// Whether it is one that drops.
    pub drops: bool,
    counts: PolicyCounts,
    tally: Tally,
}

/// What was said since it was last counted.
#[derive(Default)]
struct Tally {
    said: [u64; 3],
    asked: u64,
    took: Duration,
}

impl Named {
    pub fn new(name: &str, drops: bool, evaluator: Box<dyn Evaluate>, cx: &BuildContext) -> Self {
        Self { evaluator, drops, counts: PolicyCounts::new(name, &cx.id, &cx.telemetry), tally: Tally::default() }
    }

    fn ask(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        let start = Instant::now();
        let verdict = self.evaluator.evaluate(trace);
        self.tally.took += start.elapsed();
        self.tally.asked += 1;
        if let Ok(verdict) = verdict {
            self.tally.said[verdict as usize] += 1;
        }
        verdict
    }

    fn count(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        for verdict in [Verdict::Sampled, Verdict::NotSampled, Verdict::Dropped] {
            match tally.said[verdict as usize] {
                0 => {}
                traces => self.counts.said(verdict, traces),
            }
        }
        if tally.asked > 0 {
            self.counts.asked(tally.asked, tally.took);
        }
    }
}

/// All policies of a processor.
pub struct Decider {
    policies: Vec<Named>,
    first_match: bool,
    /// Whether policies are asked for every part that comes.
    pub at_once: bool,
    failures: Failures,
    counts: Counts,
}

impl Decider {
    /// Those that drop come first.
    pub fn new(policies: Vec<Named>, config: &Config, failures: Failures, counts: Counts) -> Self {
        let at_once = config.sampling_strategy == Strategy::SpanIngest;
        Self { policies, first_match: config.sample_on_first_match, at_once, failures, counts }
    }

    /// Decides about a whole trace.
    pub fn whole(&mut self, id: TraceId, spans: u64, bytes: &[u8]) -> Verdict {
        let mut trace = Seen::new(id, spans, bytes, &self.failures);
        let mut decision = Verdict::NotSampled;
        for policy in &mut self.policies {
            match policy.ask(&mut trace) {
                Ok(Verdict::Dropped) => return Verdict::Dropped,
                Ok(Verdict::Sampled) => {
                    decision = Verdict::Sampled;
                    if self.first_match {
                        break;
                    }
                }
                Ok(Verdict::NotSampled) => {}
                Err(error) => {
                    tracing::debug!(error, "Sampling policy error");
                    self.counts.error();
                }
            }
        }
        decision
    }

    /// Decides about what has come of a trace, if that can be known already. While there is a policy that might still
    /// drop it, it cannot be kept.
    pub fn part(&mut self, id: TraceId, spans: u64, bytes: &[u8]) -> Option<Verdict> {
        let mut trace = Seen::new(id, spans, bytes, &self.failures);
        let mut may_be_dropped = false;
        for policy in &mut self.policies {
            if may_be_dropped && !policy.drops {
                break;
            }
            match policy.ask(&mut trace) {
                Ok(Verdict::Dropped) => return Some(Verdict::Dropped),
                Ok(_) if policy.drops => may_be_dropped = true,
                Ok(Verdict::Sampled) => return Some(Verdict::Sampled),
                Ok(Verdict::NotSampled) => {}
                Err(error) => {
                    tracing::debug!(error, "Sampling policy error");
                    self.counts.error();
                }
            }
        }
        None
    }

    /// Hands on what policies said in this round.
    pub fn count(&mut self) {
        self.policies.iter_mut().for_each(Named::count);
    }
}
