//! Policies made of others.

use tokio::time::{Duration, Instant};

use crate::tail_sampling::evaluator::{Evaluate, Seen, Verdict};

/// All have to fit.
pub struct And(pub Vec<Box<dyn Evaluate>>);

/// All have to fit, and then the trace is dropped.
pub struct DropAll(pub Vec<Box<dyn Evaluate>>);

/// It must not fit.
pub struct Not(pub Box<dyn Evaluate>);

fn all_fit(policies: &mut [Box<dyn Evaluate>], trace: &mut Seen<'_>) -> Result<bool, String> {
    for policy in policies {
        if policy.evaluate(trace)? == Verdict::NotSampled {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Evaluate for And {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        all_fit(&mut self.0, trace).map(Verdict::when)
    }

    fn is_stateful(&self) -> bool {
        self.0.iter().any(|policy| policy.is_stateful())
    }
}

impl Evaluate for DropAll {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        Ok(if all_fit(&mut self.0, trace)? { Verdict::Dropped } else { Verdict::NotSampled })
    }

    fn is_stateful(&self) -> bool {
        self.0.iter().any(|policy| policy.is_stateful())
    }
}

impl Evaluate for Not {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        Ok(match self.0.evaluate(trace)? {
            Verdict::Sampled => Verdict::NotSampled,
            Verdict::NotSampled => Verdict::Sampled,
            Verdict::Dropped => Verdict::Dropped,
        })
    }

    fn is_stateful(&self) -> bool {
        self.0.is_stateful()
    }
}

/// The first that fits decides, within its share of a number of spans in each second.
pub struct Composite {
    total: i64,
    second: u64,
    since: Option<Instant>,
    shares: Vec<Share>,
}

struct Share {
    policy: Box<dyn Evaluate>,
    allowed: i64,
    used: i64,
}

impl Composite {
    /// So many spans in each second for all, and so many for each.
    pub fn new(total: i64, policies: Vec<(Box<dyn Evaluate>, i64)>) -> Self {
        let shares = policies.into_iter().map(|(policy, allowed)| Share { policy, allowed, used: 0 }).collect();
        Self { total, second: 0, since: None, shares }
    }

    fn renew(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        let second = now.duration_since(since).as_secs() / Duration::from_secs(1).as_secs();
        if second != self.second {
            self.second = second;
            self.shares.iter_mut().for_each(|share| share.used = 0);
        }
    }
}

impl Evaluate for Composite {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        self.renew(trace.now);
        for share in &mut self.shares {
            if share.policy.evaluate(trace)? != Verdict::Sampled {
                continue;
            }
            let used = share.used.saturating_add_unsigned(trace.spans);
            let fits = used <= share.allowed && used <= self.total;
            if fits {
                share.used = used;
            }
            return Ok(Verdict::when(fits));
        }
        Ok(Verdict::NotSampled)
    }

    fn is_stateful(&self) -> bool {
        self.shares.iter().any(|share| share.policy.is_stateful())
    }
}
