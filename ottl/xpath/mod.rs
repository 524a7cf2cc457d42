//! XPath 1.0 over [`crate::xml`], with the functions of later versions that the Collector knows too.
//!
//! As in the Collector, text of nothing but space is passed over unless it comes first, `|` gives what is left of it
//! first, names are compared with the prefixes as they are written, and `xmlns` is an attribute like others.

mod axes;
mod evaluate;
mod functions;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use crate::xml::{Id, Tree};
use axes::{Axis, Test};
use functions::Function;

/// A node, or an attribute of it by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The node.
    pub node: Id,
    /// The attribute, if it is one.
    pub attribute: Option<usize>,
}

impl From<Id> for Place {
    fn from(node: Id) -> Self {
        Self { node, attribute: None }
    }
}

/// An expression that was understood.
#[derive(Debug)]
pub struct XPath(Expr);

impl XPath {
    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        parser::parse(text).map(Self)
    }

    /// The nodes that it means, looked for from the document; none if it means a number, a text or a truth.
    pub fn select(&self, tree: &Tree) -> Vec<Place> {
        evaluate::select(&self.0, tree)
    }
}

#[derive(Debug)]
enum Expr {
    Number(f64),
    Text(String),
    Negative(Box<Expr>),
    Binary(Operator, Box<[Expr; 2]>),
    Call(&'static Function, Vec<Expr>),
    /// Steps, from the document or from where one stands.
    Path {
        absolute: bool,
        steps: Vec<Step>,
    },
    /// What another expression means, only some of it, and steps from there.
    Filter {
        from: Box<Expr>,
        predicates: Vec<Expr>,
        steps: Vec<Step>,
    },
}

#[derive(Debug)]
struct Step {
    axis: Axis,
    test: Test,
    predicates: Vec<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Plus,
    Minus,
    Times,
    Div,
    Mod,
    Union,
}
