//! Compiled expressions: small trees that are walked for each item.

use std::borrow::Cow;

use pipeline::proto::common::v1::KeyValue;

use super::Failure;
use super::call::Call;
use super::compare::Comparator;
use super::math::Operator;
use super::path::{Key, Keys, below};
use super::target::Target;
use super::value::Val;

/// Something that has a value.
#[derive(Debug)]
pub enum Expr {
    /// Written in the text.
    Literal(Val<'static>),
    /// In the item.
    Path(super::path::Path),
    /// What a converter makes.
    Call(Call),
    /// What lies at these keys of a converter's result.
    At(Call, Keys),
    /// Calculated.
    Math(Operator, Box<[Expr; 2]>),
    /// With the sign turned.
    Negative(Box<Expr>),
    /// A list of values.
    List(Vec<Expr>),
    /// A map of values.
    Map(Vec<(String, Expr)>),
}

impl Expr {
    /// The value for this item.
    ///
    /// # Errors
    /// It has none.
    pub fn value<'a>(&'a self, target: &'a Target<'_>) -> Result<Val<'a>, Failure> {
        match self {
            Self::Literal(value) => Ok(value.reborrow()),
            Self::Path(path) => path.value(target),
            Self::Call(call) => call.value(target),
            Self::At(call, keys) => at(call.value(target)?, &keys.of(target)?),
            Self::Math(operator, sides) => operator.apply(&sides[0].value(target)?, &sides[1].value(target)?),
            Self::Negative(inner) => match inner.value(target)? {
                Val::Int(int) => Ok(Val::Int(int.wrapping_neg())),
                Val::Double(double) => Ok(Val::Double(-double)),
                other => Err(other.unexpected("a number behind the minus")),
            },
            Self::List(items) => {
                let value = |item: &Expr| item.value(target).and_then(Val::into_any);
                items.iter().map(value).collect::<Result<_, _>>().map(|list| Val::List(Cow::Owned(list)))
            }
            Self::Map(entries) => {
                let entry = |(key, item): &(String, Expr)| {
                    let value = Some(item.value(target)?.into_any()?);
                    Ok(KeyValue { key: key.clone(), value, ..KeyValue::default() })
                };
                entries.iter().map(entry).collect::<Result<_, _>>().map(|map| Val::Map(Cow::Owned(map)))
            }
        }
    }
}

/// Behind a converter a missing key is a failure, unlike behind a path.
fn at<'a>(value: Val<'a>, keys: &[Key]) -> Result<Val<'a>, Failure> {
    let Some((first, rest)) = keys.split_first() else { return Ok(value) };
    let whole = value.into_any()?;
    let mut found = &whole;
    for key in std::iter::once(first).chain(rest) {
        found = below(found, key)?.ok_or("a key that is not in the map")?;
    }
    Ok(Val::of(Some(found)).detach())
}

/// Something that is true or false.
#[derive(Debug)]
pub enum Condition {
    /// Always the same.
    Always(bool),
    /// The contrary.
    Not(Box<Condition>),
    /// All of them, looked at in their order.
    All(Vec<Condition>),
    /// One of them, looked at in their order.
    Any(Vec<Condition>),
    /// Two values compared.
    Compare(Comparator, Box<[Expr; 2]>),
    /// A converter that makes a truth.
    Holds(Expr),
}

impl Condition {
    /// Whether it is true for this item.
    ///
    /// # Errors
    /// A value that it needs is not there.
    pub fn holds(&self, target: &Target<'_>) -> Result<bool, Failure> {
        match self {
            Self::Always(truth) => Ok(*truth),
            Self::Not(inner) => inner.holds(target).map(|truth| !truth),
            Self::All(parts) => {
                for part in parts {
                    if !part.holds(target)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(parts) => {
                for part in parts {
                    if part.holds(target)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Compare(comparator, sides) => {
                Ok(comparator.holds(&sides[0].value(target)?, &sides[1].value(target)?))
            }
            Self::Holds(expr) => match expr.value(target)? {
                Val::Bool(truth) => Ok(truth),
                other => Err(other.unexpected("a bool")),
            },
        }
    }
}

/// An editor's call and when it is made.
#[derive(Debug)]
pub struct Statement {
    pub(super) call: Call,
    pub(super) only_if: Condition,
}

impl Statement {
    /// Changes the item if the statement is about it.
    ///
    /// # Errors
    /// The editor or its condition needs a value that is not there.
    pub fn apply(&self, target: &mut Target<'_>) -> Result<(), Failure> {
        if !self.only_if.holds(target)? {
            return Ok(());
        }
        self.call.edit(target)
    }
}
