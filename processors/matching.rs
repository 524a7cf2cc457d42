//! The Collector's older way to say which items are meant: every property that is given has to match.
//!
//! `filter` (include and exclude) and `attributes` use it. Texts are compared as a whole (`strict`) or searched for a
//! regular expression (`regexp`); of a list of texts one is enough, of a list of attributes all are needed.

mod attributes;
mod matcher;
mod settings;
#[cfg(test)]
mod tests;

pub use matcher::{Chosen, Matcher};
pub use settings::{Attribute, Kind, Library, MatchType, Properties, RegexpCache, Severity};
