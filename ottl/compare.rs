//! Comparing values: kinds that do not go together are different, and neither smaller nor larger.

use std::cmp::Ordering;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::value::{Val, find};

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

impl Comparator {
    /// The comparator that is written so.
    pub fn parse(text: &str) -> Self {
        match text {
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">=" => Self::GreaterOrEqual,
            _ => Self::Greater,
        }
    }

    /// Whether it holds for two values.
    pub fn holds(self, left: &Val<'_>, right: &Val<'_>) -> bool {
        match relation(left, right) {
            Relation::Ordered(ordering) => self.fits(ordering),
            Relation::Same(same) => match self {
                Self::Equal => same,
                Self::NotEqual => !same,
                _ => false,
            },
            // NaN: not even equal to itself.
            Relation::Unordered => self == Self::NotEqual,
        }
    }

    fn fits(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Greater => ordering.is_gt(),
        }
    }
}

enum Relation {
    Ordered(Ordering),
    Same(bool),
    Unordered,
}

fn relation(left: &Val<'_>, right: &Val<'_>) -> Relation {
    let partial = |ordering: Option<Ordering>| ordering.map_or(Relation::Unordered, Relation::Ordered);
    match (left, right) {
        (Val::Nil, Val::Nil) => Relation::Ordered(Ordering::Equal),
        (Val::Bool(a), Val::Bool(b)) => Relation::Ordered(a.cmp(b)),
        (Val::Int(a), Val::Int(b)) => Relation::Ordered(a.cmp(b)),
        (Val::Int(a), Val::Double(b)) => partial((*a as f64).partial_cmp(b)),
        (Val::Double(a), Val::Int(b)) => partial(a.partial_cmp(&(*b as f64))),
        (Val::Double(a), Val::Double(b)) => partial(a.partial_cmp(b)),
        (Val::Text(a), Val::Text(b)) => Relation::Ordered(a.cmp(b)),
        (Val::Bytes(a), Val::Bytes(b)) => Relation::Ordered(a.cmp(b)),
        (Val::Time(a), Val::Time(b)) => Relation::Ordered(a.timestamp().cmp(&b.timestamp())),
        (Val::Duration(a), Val::Duration(b)) => Relation::Ordered(a.cmp(b)),
        (Val::Map(a), Val::Map(b)) => Relation::Same(same_map(a, b)),
        (Val::List(a), Val::List(b)) => Relation::Same(same_list(a, b)),
        (Val::TraceId(a), Val::TraceId(b)) => Relation::Same(a == b),
        (Val::SpanId(a), Val::SpanId(b)) => Relation::Same(a == b),
        _ => Relation::Unordered,
    }
}

/// Whether two maps have the same entries, in any order.
pub fn same_map(a: &[KeyValue], b: &[KeyValue]) -> bool {
    let has = |entry: &KeyValue| find(b, &entry.key).is_some_and(|other| same(entry.value.as_ref(), Some(other)));
    a.len() == b.len() && a.iter().all(has)
}

fn same_list(a: &[AnyValue], b: &[AnyValue]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(Some(a), Some(b)))
}

/// Inside maps and lists kinds are not mixed: 1 is not 1.0 there.
pub fn same(a: Option<&AnyValue>, b: Option<&AnyValue>) -> bool {
    match (a.and_then(|a| a.value.as_ref()), b.and_then(|b| b.value.as_ref())) {
        (Some(Value::KvlistValue(a)), Some(Value::KvlistValue(b))) => same_map(&a.values, &b.values),
        (Some(Value::ArrayValue(a)), Some(Value::ArrayValue(b))) => same_list(&a.values, &b.values),
        (a, b) => a == b,
    }
}
