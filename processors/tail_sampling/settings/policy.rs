//! A policy, and the policies in it: `and` and `drop` take simple ones and `not`, `composite` takes simple ones and `and`.

use config::{Decoder, Rules};

use super::kinds::*;
use crate::tail_sampling::evaluator::Evaluate;
use crate::tail_sampling::policies;

/// A policy ready to be asked.
pub type Evaluator = Box<dyn Evaluate>;

/// What is wrong with a policy, and at which key of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// The key.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Wrong {
    /// A message about a key.
    pub fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into() }
    }
}

config::settings! {
    /// A policy that has no others in it.
    pub struct Simple {
        /// What it is called; unique.
        pub name: String = String::new(),
        /// What it looks at.
        pub r#type: Option<Kind> = None,
        /// For type latency.
        pub latency: Latency = Latency::default(),
        /// For type numeric_attribute.
        pub numeric_attribute: NumericAttribute = NumericAttribute::default(),
        /// For type probabilistic.
        pub probabilistic: Probabilistic = Probabilistic::default(),
        /// For type status_code.
        pub status_code: StatusCode = StatusCode::default(),
        /// For type string_attribute.
        pub string_attribute: StringAttribute = StringAttribute::default(),
        /// For type rate_limiting.
        pub rate_limiting: RateLimiting = RateLimiting::default(),
        /// For type bytes_limiting.
        pub bytes_limiting: BytesLimiting = BytesLimiting::default(),
        /// For type span_count.
        pub span_count: SpanCount = SpanCount::default(),
        /// For type trace_state.
        pub trace_state: TraceStateValue = TraceStateValue::default(),
        /// For type boolean_attribute.
        pub boolean_attribute: BooleanAttribute = BooleanAttribute::default(),
        /// For type ottl_condition.
        pub ottl_condition: OttlCondition = OttlCondition::default(),
    }
}

config::settings! {
    /// The policy that `not` is the opposite of.
    pub struct Not {
        /// A simple policy.
        pub not_sub_policy: NotPolicy = NotPolicy::default(),
    }
}

config::settings! {
    /// A policy in `not`.
    pub struct NotPolicy (pub simple: Simple = Simple::default()) {}
}

config::settings! {
    /// Policies that all have to fit.
    pub struct And {
        /// Simple policies, or not.
        pub and_sub_policy: Vec<AndPolicy> = Vec::new(),
    }
}

config::settings! {
    /// Policies that all have to fit for a trace to be dropped.
    pub struct DropAll {
        /// Simple policies, or not.
        pub drop_sub_policy: Vec<AndPolicy> = Vec::new(),
    }
}

config::settings! {
    /// A policy in `and` or `drop`.
    pub struct AndPolicy (pub simple: Simple = Simple::default()) {
        /// For type not.
        pub not: Not = Not::default(),
    }
}

config::settings! {
    /// Policies of which the first that fits decides, within its share of a rate.
    pub struct Composite {
        /// How many spans each second for all.
        pub max_total_spans_per_second: i64 = 0,
        /// Names in their order: read only, as in the Collector; policies are asked as they stand.
        pub policy_order: Vec<String> = Vec::new(),
        /// Simple policies, or and.
        pub composite_sub_policy: Vec<CompositePolicy> = Vec::new(),
        /// The shares; a policy without one keeps nothing.
        pub rate_allocation: Vec<RateAllocation> = Vec::new(),
    }
}

config::settings! {
    /// A policy in `composite`.
    pub struct CompositePolicy (pub simple: Simple = Simple::default()) {
        /// For type and.
        pub and: And = And::default(),
    }
}

config::settings! {
    /// A policy.
    pub struct Policy (pub simple: Simple = Simple::default()) {
        /// For type composite.
        pub composite: Composite = Composite::default(),
        /// For type and.
        pub and: And = And::default(),
        /// For type not.
        pub not: Not = Not::default(),
        /// For type drop.
        pub drop: DropAll = DropAll::default(),
    }
}

impl Rules for Simple {}
impl Rules for Not {}
impl Rules for NotPolicy {}
impl Rules for And {}
impl Rules for DropAll {}
impl Rules for AndPolicy {}
impl Rules for Composite {}
impl Rules for CompositePolicy {}

impl Rules for Policy {
    fn rules(&self, decoder: &mut Decoder) {
        if self.simple.name.is_empty() {
            decoder.at("name", |d| d.error("must be set"));
        }
        if let Err(wrong) = self.evaluator() {
            decoder.at(wrong.key, |d| d.error(wrong.message));
        }
    }
}

impl Policy {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.simple.name
    }

    /// What it looks at.
    pub fn kind(&self) -> Option<Kind> {
        self.simple.r#type
    }

    /// The policy ready to be asked.
    ///
    /// # Errors
    /// What it lacks.
    pub fn evaluator(&self) -> Result<Evaluator, Wrong> {
        match self.kind() {
            Some(Kind::And) => self.and.evaluator(),
            Some(Kind::Not) => self.not.evaluator(),
            Some(Kind::Drop) => {
                Ok(Box::new(policies::DropAll(all("drop", "drop_sub_policy", &self.drop.drop_sub_policy)?)))
            }
            Some(Kind::Composite) => self.composite.evaluator(),
            _ => self.simple.evaluator("policies"),
        }
    }
}

impl And {
    fn evaluator(&self) -> Result<Evaluator, Wrong> {
        Ok(Box::new(policies::And(all("and", "and_sub_policy", &self.and_sub_policy)?)))
    }
}

impl Not {
    fn evaluator(&self) -> Result<Evaluator, Wrong> {
        let inner = self.not_sub_policy.simple.evaluator("not");
        let inner =
            inner.map_err(|wrong| Wrong::new("not", format!("not_sub_policy: {}: {}", wrong.key, wrong.message)))?;
        Ok(Box::new(policies::Not(inner)))
    }
}

impl AndPolicy {
    fn evaluator(&self) -> Result<Evaluator, Wrong> {
        match self.simple.r#type {
            Some(Kind::Not) => self.not.evaluator(),
            _ => self.simple.evaluator("and, drop"),
        }
    }
}

impl Composite {
    fn evaluator(&self) -> Result<Evaluator, Wrong> {
        let total = self.max_total_spans_per_second;
        let each = total as f64 / self.composite_sub_policy.len() as f64;
        let share = |name: &str| {
            let allocation = self.rate_allocation.iter().rfind(|allocation| allocation.policy == name);
            match allocation.map(|allocation| allocation.percent) {
                Some(percent) if percent > 0 => (percent as f64 / 100.0 * total as f64) as i64,
                Some(_) => each as i64,
                None => 0,
            }
        };
        let one = |(index, policy): (usize, &CompositePolicy)| {
            let evaluator = match policy.simple.r#type {
                Some(Kind::And) => policy.and.evaluator(),
                _ => policy.simple.evaluator("composite"),
            };
            let evaluator = evaluator.map_err(|wrong| inside("composite", "composite_sub_policy", index, &wrong))?;
            Ok((evaluator, share(&policy.simple.name)))
        };
        let policies = self.composite_sub_policy.iter().enumerate().map(one).collect::<Result<_, Wrong>>()?;
        Ok(Box::new(policies::Composite::new(total, policies)))
    }
}

fn all(key: &'static str, list: &str, policies: &[AndPolicy]) -> Result<Vec<Evaluator>, Wrong> {
    if policies.is_empty() {
        return Err(Wrong::new(key, format!("{list} must have at least one policy")));
    }
    let one =
        |(index, policy): (usize, &AndPolicy)| policy.evaluator().map_err(|wrong| inside(key, list, index, &wrong));
    policies.iter().enumerate().map(one).collect()
}

fn inside(key: &'static str, list: &str, index: usize, wrong: &Wrong) -> Wrong {
    Wrong::new(key, format!("{list}::{index}::{}: {}", wrong.key, wrong.message))
}

impl Simple {
    /// The policy ready to be asked; `place` is where it stands.
    fn evaluator(&self, place: &str) -> Result<Evaluator, Wrong> {
        let kind = self.r#type.ok_or_else(|| Wrong::new("type", "must be set"))?;
        Ok(match kind {
            Kind::AlwaysSample => Box::new(policies::Always),
            Kind::Latency => Box::new(policies::Latency::new(&self.latency)),
            Kind::NumericAttribute => Box::new(policies::Attribute::number(&self.numeric_attribute)?),
            Kind::Probabilistic => Box::new(policies::Probabilistic::new(&self.probabilistic)),
            Kind::StatusCode => Box::new(policies::StatusCode::new(&self.status_code)?),
            Kind::StringAttribute => Box::new(policies::Attribute::text(&self.string_attribute)?),
            Kind::RateLimiting => Box::new(policies::Rate::of_spans(&self.rate_limiting)),
            Kind::BytesLimiting => Box::new(policies::Rate::of_bytes(&self.bytes_limiting)),
            Kind::SpanCount => Box::new(policies::SpanCount::new(&self.span_count)),
            Kind::TraceState => Box::new(policies::TraceState::new(&self.trace_state)),
            Kind::TraceFlags => Box::new(policies::TraceFlags),
            Kind::BooleanAttribute => Box::new(policies::Attribute::truth(&self.boolean_attribute)),
            Kind::OttlCondition => Box::new(policies::Conditions::new(&self.ottl_condition)?),
            Kind::And | Kind::Not | Kind::Drop | Kind::Composite => {
                return Err(Wrong::new("type", format!("such a policy cannot stand here ({place})")));
            }
        })
    }
}
