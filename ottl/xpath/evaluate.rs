//! What an expression means in a tree.

use std::collections::HashSet;

use pipeline::double_text;

use super::axes::Axis;
use super::functions;
use super::{Expr, Operator, Place, Step};
use crate::xml::{Kind, ROOT, Tree};

/// A value of XPath.
#[derive(Clone, Debug)]
pub enum Value {
    /// Places, in the order in which they are given.
    Nodes(Vec<Place>),
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// A truth.
    Bool(bool),
}

/// Where one stands.
#[derive(Clone, Copy, Debug)]
pub struct Here<'t> {
    /// The tree.
    pub tree: &'t Tree,
    /// The place in it.
    pub place: Place,
    /// The how manieth it is of those that are looked at, from one.
    pub position: usize,
    /// How many are looked at.
    pub last: usize,
}

/// The nodes that an expression means, from the document.
pub fn select(expr: &Expr, tree: &Tree) -> Vec<Place> {
    let here = Here { tree, place: ROOT.into(), position: 1, last: 1 };
    match value(expr, here) {
        Value::Nodes(places) => places,
        Value::Text(_) | Value::Number(_) | Value::Bool(_) => Vec::new(),
    }
}

/// The value of an expression.
pub fn value(expr: &Expr, here: Here<'_>) -> Value {
    match expr {
        Expr::Number(number) => Value::Number(*number),
        Expr::Text(text) => Value::Text(text.clone()),
        Expr::Negative(inner) => Value::Number(-value(inner, here).number(here.tree)),
        Expr::Binary(operator, sides) => binary(*operator, &sides[0], &sides[1], here),
        Expr::Call(function, args) => {
            let args: Vec<Value> = args.iter().map(|arg| value(arg, here)).collect();
            (function.run)(&args, here)
        }
        Expr::Path { absolute, steps } => {
            let start = if *absolute { ROOT.into() } else { here.place };
            Value::Nodes(walk(vec![start], steps, here.tree))
        }
        Expr::Filter { from, predicates, steps } => match value(from, here) {
            Value::Nodes(places) => Value::Nodes(walk(kept(places, predicates, here.tree), steps, here.tree)),
            plain => plain,
        },
    }
}

/// Steps from each of these places; what is found is in the order of the text.
fn walk(from: Vec<Place>, steps: &[Step], tree: &Tree) -> Vec<Place> {
    steps.iter().fold(from, |places, step| {
        let mut found: Vec<Place> = places.into_iter().flat_map(|place| one_step(step, place, tree)).collect();
        found.sort_unstable();
        found.dedup();
        found
    })
}

fn one_step(step: &Step, from: Place, tree: &Tree) -> Vec<Place> {
    let mut places = step.axis.places(tree, from);
    // Only these are no elements.
    let any = matches!(step.axis, Axis::Myself | Axis::Parent) && step.test == super::axes::Test::Any;
    places.retain(|place| any || step.test.accepts(tree, step.axis, *place));
    kept(places, &step.predicates, tree)
}

/// Those for which all predicates hold; a number is a position.
fn kept(places: Vec<Place>, predicates: &[Expr], tree: &Tree) -> Vec<Place> {
    predicates.iter().fold(places, |places, predicate| {
        let last = places.len();
        let holds = |(index, place): (usize, Place)| {
            let here = Here { tree, place, position: index + 1, last };
            let holds = match value(predicate, here) {
                Value::Number(number) => number == (index + 1) as f64,
                other => other.truth(),
            };
            holds.then_some(place)
        };
        places.into_iter().enumerate().filter_map(holds).collect()
    })
}

fn binary(operator: Operator, left: &Expr, right: &Expr, here: Here<'_>) -> Value {
    match operator {
        Operator::Or => return Value::Bool(value(left, here).truth() || value(right, here).truth()),
        Operator::And => return Value::Bool(value(left, here).truth() && value(right, here).truth()),
        _ => {}
    }
    let (left, right, tree) = (value(left, here), value(right, here), here.tree);
    let number = |apply: fn(f64, f64) -> f64| Value::Number(apply(left.number(tree), right.number(tree)));
    match operator {
        Operator::Plus => number(|a, b| a + b),
        Operator::Minus => number(|a, b| a - b),
        Operator::Times => number(|a, b| a * b),
        Operator::Div => number(|a, b| a / b),
        Operator::Mod => number(|a, b| a % b),
        Operator::Union => {
            let mut places = left.places();
            let known: HashSet<Place> = places.iter().copied().collect();
            places.extend(right.places().into_iter().filter(|place| !known.contains(place)));
            Value::Nodes(places)
        }
        _ => Value::Bool(compare(operator, &left, &right, tree)),
    }
}

/// Nodes compare true if one of them does.
fn compare(operator: Operator, left: &Value, right: &Value, tree: &Tree) -> bool {
    match (left, right) {
        (Value::Nodes(places), other) if !matches!(other, Value::Bool(_)) => {
            places.iter().any(|place| compare(operator, &Value::Text(text(tree, *place)), other, tree))
        }
        (other, Value::Nodes(places)) if !matches!(other, Value::Bool(_)) => {
            places.iter().any(|place| compare(operator, other, &Value::Text(text(tree, *place)), tree))
        }
        _ => plain(operator, left, right, tree),
    }
}

fn plain(operator: Operator, left: &Value, right: &Value, tree: &Tree) -> bool {
    let equal = match (left, right) {
        (Value::Bool(_), _) | (_, Value::Bool(_)) => left.truth() == right.truth(),
        (Value::Number(_), _) | (_, Value::Number(_)) => left.number(tree) == right.number(tree),
        _ => left.text(tree) == right.text(tree),
    };
    let (a, b) = (left.number(tree), right.number(tree));
    match operator {
        Operator::Equal => equal,
        Operator::NotEqual => !equal,
        Operator::Less => a < b,
        Operator::LessOrEqual => a <= b,
        Operator::More => a > b,
        Operator::MoreOrEqual => a >= b,
        _ => false,
    }
}

/// The text of a place.
pub fn text(tree: &Tree, place: Place) -> String {
    let node = tree.node(place.node);
    if let Some(index) = place.attribute {
        return node.attributes.get(index).map_or_else(String::new, |attribute| attribute.value.clone());
    }
    match node.kind {
        Kind::Comment | Kind::Text | Kind::Data => node.data.clone(),
        _ => tree.text(place.node),
    }
}

impl Value {
    /// The places it is, if it is any.
    pub fn places(self) -> Vec<Place> {
        match self {
            Self::Nodes(places) => places,
            Self::Text(_) | Self::Number(_) | Self::Bool(_) => Vec::new(),
        }
    }

    /// As a text: that of the first node.
    pub fn text(&self, tree: &Tree) -> String {
        match self {
            Self::Nodes(places) => places.first().map_or_else(String::new, |place| text(tree, *place)),
            Self::Text(text) => text.clone(),
            Self::Number(number) => double_text(*number),
            Self::Bool(truth) => truth.to_string(),
        }
    }

    /// As a number.
    pub fn number(&self, tree: &Tree) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Bool(truth) => f64::from(u8::from(*truth)),
            Self::Nodes(_) | Self::Text(_) => functions::number(&self.text(tree)),
        }
    }

    /// As a truth: whether there is something.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nodes(places) => !places.is_empty(),
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Bool(truth) => *truth,
        }
    }
}
