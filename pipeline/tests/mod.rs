//! Sentences about batches, edges, settings and lifecycle.

mod batches;
mod edges;
mod lifecycles;
mod pieces;
