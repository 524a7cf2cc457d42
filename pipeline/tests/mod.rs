//! Sentences about batches, edges, settings and lifecycle.

mod attributes;
pub mod batches;
mod edges;
mod lifecycles;
mod pieces;
mod recents;
mod reloads;
mod retain;
mod set_keys;
