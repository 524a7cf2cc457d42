//! A call ready to be made, and what its function sees of its arguments.

use std::borrow::Cow;

use jiff::{SignedDuration, Zoned};
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use regex::Regex;

use super::Failure;
use super::expr::Expr;
use super::functions::grok::Grok;
use super::functions::{Function, Run};
use super::path::Path;
use super::strings;
use super::target::Target;
use super::value::Val;
use super::xpath::XPath;

/// A function with its arguments.
#[derive(Debug)]
pub struct Call {
    pub(super) function: &'static Function,
    pub(super) args: Vec<Arg>,
}

/// An argument as its parameter wants it.
#[derive(Debug)]
pub enum Arg {
    /// Left out.
    Missing,
    /// Anything with a value.
    Expr(Expr),
    /// A list that is written out.
    Exprs(Vec<Expr>),
    /// A regular expression known when compiled.
    Regex(Box<Regex>),
    /// An XPath.
    XPath(Box<XPath>),
    /// A Grok expression.
    Grok(Box<Grok>),
    /// A place to change.
    Path(Path),
    /// A converter's name.
    Function(&'static Function),
}

impl Call {
    /// What the converter makes of this item.
    ///
    /// # Errors
    /// It can make nothing of it.
    pub fn value<'a>(&'a self, target: &'a Target<'_>) -> Result<Val<'a>, Failure> {
        match self.function.run {
            Run::Converter(run) => run(self.on(target)),
            Run::Editor(_) => Err(Failure::from("an editor has no value")),
        }
    }

    /// Makes the editor's change.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn edit(&self, target: &mut Target<'_>) -> Result<(), Failure> {
        match self.function.run {
            Run::Editor(run) => run(self, target),
            Run::Converter(_) => Err(Failure::from("a converter changes nothing")),
        }
    }

    /// The arguments for this item.
    pub fn on<'a, 't>(&'a self, target: &'a Target<'t>) -> Args<'a, 't> {
        Args { call: self, target }
    }

    /// The place that argument `index` names.
    ///
    /// # Errors
    /// It names none; the compiler has seen to that.
    pub fn path(&self, index: usize) -> Result<&Path, Failure> {
        match self.args.get(index) {
            Some(Arg::Path(path)) => Ok(path),
            _ => Err(Failure::from("not a path")),
        }
    }

    /// The items of a list that is written out.
    pub fn items(&self, index: usize) -> &[Expr] {
        match self.args.get(index) {
            Some(Arg::Exprs(items)) => items,
            _ => &[],
        }
    }

    /// The converter that argument `index` names.
    pub fn function(&self, index: usize) -> Option<&'static Function> {
        match self.args.get(index) {
            Some(Arg::Function(function)) => Some(function),
            _ => None,
        }
    }

    /// The XPath of argument `index`, if it was given.
    pub fn xpath(&self, index: usize) -> Option<&XPath> {
        match self.args.get(index) {
            Some(Arg::XPath(path)) => Some(path),
            _ => None,
        }
    }

    /// The Grok expression of argument `index`, if it was written out.
    pub fn grok(&self, index: usize) -> Option<&Grok> {
        match self.args.get(index) {
            Some(Arg::Grok(grok)) => Some(grok),
            _ => None,
        }
    }

    fn literal(&self, index: usize) -> Option<&Val<'static>> {
        match self.args.get(index) {
            Some(Arg::Expr(Expr::Literal(value))) => Some(value),
            _ => None,
        }
    }

    /// A text that is written out.
    pub fn word(&self, index: usize) -> Option<&str> {
        match self.literal(index) {
            Some(Val::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A number that is written out.
    pub fn number(&self, index: usize) -> Option<i64> {
        match self.literal(index) {
            Some(Val::Int(int)) => Some(*int),
            _ => None,
        }
    }

    /// A double that is written out.
    pub fn double(&self, index: usize) -> Option<f64> {
        match self.literal(index) {
            Some(Val::Double(double)) => Some(*double),
            _ => None,
        }
    }

    /// A truth that is written out; false when left out.
    pub fn flag(&self, index: usize) -> bool {
        matches!(self.literal(index), Some(Val::Bool(true)))
    }
}

/// The arguments of a call for one item.
#[derive(Clone, Copy)]
pub struct Args<'a, 't> {
    /// The call.
    pub call: &'a Call,
    /// The item.
    pub target: &'a Target<'t>,
}

impl<'a> Args<'a, '_> {
    /// Whether argument `index` was given.
    pub fn has(&self, index: usize) -> bool {
        !matches!(self.call.args.get(index), None | Some(Arg::Missing))
    }

    /// Any value; nil when left out.
    pub fn value(&self, index: usize) -> Result<Val<'a>, Failure> {
        match self.call.args.get(index) {
            Some(Arg::Expr(expr)) => expr.value(self.target),
            Some(Arg::Path(path)) => path.value(self.target),
            _ => Ok(Val::Nil),
        }
    }

    /// A text.
    pub fn text(&self, index: usize) -> Result<Cow<'a, str>, Failure> {
        match self.value(index)? {
            Val::Text(text) => Ok(text),
            other => Err(other.unexpected("a string")),
        }
    }

    /// Any value as text; `None` for nil.
    pub fn text_like(&self, index: usize) -> Result<Option<Cow<'a, str>>, Failure> {
        self.value(index).and_then(strings::text_like)
    }

    /// A whole number.
    pub fn int(&self, index: usize) -> Result<i64, Failure> {
        self.value(index)?.into_int()
    }

    /// A map.
    pub fn map(&self, index: usize) -> Result<Cow<'a, [KeyValue]>, Failure> {
        match self.value(index)? {
            Val::Map(map) => Ok(map),
            other => Err(other.unexpected("a map")),
        }
    }

    /// A list.
    pub fn list(&self, index: usize) -> Result<Cow<'a, [AnyValue]>, Failure> {
        match self.value(index)? {
            Val::List(list) => Ok(list),
            other => Err(other.unexpected("a list")),
        }
    }

    /// A time.
    pub fn time(&self, index: usize) -> Result<Box<Zoned>, Failure> {
        match self.value(index)? {
            Val::Time(time) => Ok(time),
            other => Err(other.unexpected("a time")),
        }
    }

    /// A duration.
    pub fn duration(&self, index: usize) -> Result<SignedDuration, Failure> {
        match self.value(index)? {
            Val::Duration(duration) => Ok(duration),
            other => Err(other.unexpected("a duration")),
        }
    }

    /// A regular expression; one that is not written out is compiled now.
    pub fn pattern(&self, index: usize) -> Result<Cow<'a, Regex>, Failure> {
        if let Some(Arg::Regex(regex)) = self.call.args.get(index) {
            return Ok(Cow::Borrowed(regex));
        }
        let text = self.text(index)?;
        Regex::new(&text).map(Cow::Owned).map_err(|_| Failure::from(format!("{text:?} is no regular expression")))
    }
}
