//! Sentences about batches, edges, settings and lifecycle.

pub mod batches;
mod edges;
mod lifecycles;
mod pieces;
mod reloads;
