//! The table against the published descriptors, the walk against damage, JSON against the specification.

mod damage;
mod json;
mod table;
