//! The dictionary that all profiles of a request share.
//!
//! Samples name stacks, stacks name locations, and so on, by their places in tables. [`Dictionary`] builds the tables,
//! each entry once; [`merge`] moves profiles of one request into the dictionary of another.

mod dictionary;
mod merge;
#[cfg(test)]
mod tests;

pub use dictionary::Dictionary;
pub(crate) use merge::{compact, merge};
