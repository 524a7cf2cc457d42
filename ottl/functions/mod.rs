//! The functions: one row each, read by the compiler and by the reference page.

mod checks;
mod collections;
mod editors;
mod flatten;
mod format;
mod formats;
pub mod glob;
pub mod grok;
mod hashes;
mod metrics;
mod network;
mod numbers;
mod parsers;
mod replacing;
mod severity;
mod span_names;
mod text;
pub mod time;
mod url;
mod xml;
mod xml_edits;

use super::Failure;
use super::call::{Args, Call};
use super::target::{Context, Target};
use super::value::Val;

/// A converter or an editor.
pub struct Function {
    /// Converters begin with a capital letter, editors with a small one.
    pub name: &'static str,
    /// What it takes, in this order.
    pub params: &'static [Param],
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Where it is known; empty for everywhere.
    pub contexts: &'static [Context],
    /// Does it.
    pub run: Run,
    /// What can be wrong with what is written out, beyond its kind.
    pub check: fn(&Call) -> Result<(), String>,
    /// Makes once what is costly and the same for every item.
    pub prepare: fn(&mut Call) -> Result<(), String>,
}

/// The work of a function.
pub enum Run {
    /// Makes a value.
    Converter(for<'a, 't> fn(Args<'a, 't>) -> Result<Val<'a>, Failure>),
    /// Changes the item.
    Editor(fn(&Call, &mut Target<'_>) -> Result<(), Failure>),
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// One parameter of a function.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// As it is written in front of `=`.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether it may be left out.
    pub optional: bool,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any value.
    Any,
    /// A string.
    Text,
    /// An int.
    Int,
    /// A double, written out.
    Float,
    /// A map.
    Map,
    /// A list.
    List,
    /// A time.
    Time,
    /// A duration.
    Duration,
    /// A regular expression.
    Pattern,
    /// A glob.
    Glob,
    /// An XPath, written out.
    XPath,
    /// A path to change.
    Path,
    /// A string that is written out.
    Word,
    /// One of these strings, written out.
    OneOf(&'static [&'static str]),
    /// An int that is written out.
    Number,
    /// `true` or `false`, written out.
    Flag,
    /// A list, written out, of any values.
    Values,
    /// A list, written out, of strings.
    Texts,
    /// A list of strings, all written out.
    Words,
    /// The name of a converter.
    Converter,
}

/// A parameter that must be given.
const fn need(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, optional: false }
}

/// A parameter that may be left out.
const fn may(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, optional: true }
}

/// A row of an editor.
const fn editor(
    name: &'static str,
    params: &'static [Param],
    about: &'static str,
    run: fn(&Call, &mut Target<'_>) -> Result<(), Failure>,
) -> Function {
    Function { name, params, about, contexts: &[], run: Run::Editor(run), check: unchecked, prepare: nothing }
}

/// A row of a converter.
const fn converter(
    name: &'static str,
    params: &'static [Param],
    about: &'static str,
    run: for<'a, 't> fn(Args<'a, 't>) -> Result<Val<'a>, Failure>,
) -> Function {
    Function { name, params, about, contexts: &[], run: Run::Converter(run), check: unchecked, prepare: nothing }
}

/// Nothing but its kind can be wrong.
const fn unchecked(_: &Call) -> Result<(), String> {
    Ok(())
}

/// Nothing has to be made beforehand.
const fn nothing(_: &mut Call) -> Result<(), String> {
    Ok(())
}

impl Function {
    /// The same with something to make beforehand.
    const fn prepared(self, prepare: fn(&mut Call) -> Result<(), String>) -> Self {
        Self { prepare, ..self }
    }

    /// The same with a check of what is written out.
    const fn checked(self, check: fn(&Call) -> Result<(), String>) -> Self {
        Self { check, ..self }
    }

    /// The same, known in these contexts only.
    const fn only_in(self, contexts: &'static [Context]) -> Self {
        Self { contexts, ..self }
    }
}

/// Every function, by theme.
pub static TABLES: &[&[Function]] = &[
    editors::FUNCTIONS,
    replacing::FUNCTIONS,
    flatten::FUNCTIONS,
    metrics::FUNCTIONS,
    checks::FUNCTIONS,
    text::FUNCTIONS,
    format::FUNCTIONS,
    numbers::FUNCTIONS,
    collections::FUNCTIONS,
    parsers::FUNCTIONS,
    formats::FUNCTIONS,
    grok::FUNCTIONS,
    time::FUNCTIONS,
    hashes::FUNCTIONS,
    network::FUNCTIONS,
    severity::FUNCTIONS,
    span_names::FUNCTIONS,
    xml::FUNCTIONS,
    xml_edits::FUNCTIONS,
];

/// What the Collector has and kpulse has not, with the reason.
pub static REFUSED: &[(&str, &str)] = &[(
    "UserAgent",
    "UserAgent is not available: it would carry the tables of another project with it; ExtractPatterns takes single parts out",
)];

/// Every function that a context knows.
pub fn known(context: Context) -> impl Iterator<Item = &'static Function> {
    let all = TABLES.iter().flat_map(|table| table.iter());
    all.filter(move |function| function.contexts.is_empty() || function.contexts.contains(&context))
}

impl Function {
    /// Whether it makes a value.
    pub fn is_converter(&self) -> bool {
        matches!(self.run, Run::Converter(_))
    }
}
