//! OTTL, the Collector's language of conditions and statements, for whoever looks into items.
//!
//! A text is parsed by `grammar.pest` and compiled against a [`Context`] when the configuration is read: unknown
//! functions, paths and enums, and literals of a wrong type are [`Fault`]s with their place. What is left for the data
//! path is walking a small tree whose values borrow from the item.

mod call;
mod client;
mod compare;
mod compile;
mod enums;
mod expr;
mod failures;
pub mod fields;
pub mod functions;
mod growing;
mod infer;
mod math;
mod path;
mod profiles;
mod reads;
mod sendable;
mod settings;
mod strings;
mod target;
#[cfg(test)]
mod tests;
mod value;
pub mod walk;
mod xml;
mod xpath;

use std::borrow::Cow;
use std::fmt;

pub use client::Client;
pub use compare::{same as same_value, same_map as same_attributes};
pub use compile::{Prefix, condition, statement};
pub use enums::severity_name;
pub use expr::{Condition, Statement};
pub use failures::Failures;
pub use infer::infer;
pub use reads::{Part, Reads};
pub use settings::{ErrorMode, Group, Groups};
pub use strings::plain_text;
pub use target::{Context, Item, Scope, Target};

/// Why an expression has no value for an item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(Cow<'static, str>);

impl From<&'static str> for Failure {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The byte at which it is.
    pub at: usize,
    /// What is wrong and, where it can be known, what to write instead.
    pub message: String,
}

impl Fault {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// The fault with its column in `text`.
    pub fn show(&self, text: &str) -> String {
        let before = text.get(..self.at).unwrap_or(text);
        let near: String = text.get(self.at..).unwrap_or_default().chars().take(24).collect();
        let near = if near.is_empty() { "the end".to_owned() } else { format!("{near:?}") };
        format!("column {} ({near}): {}", before.chars().count() + 1, self.message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
