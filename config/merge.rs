//! Several `--config` become one tree.

use crate::node::{Node, Value};

/// Lays `over` on `base`: maps merge deeply, everything else (lists, scalars, an explicit null) replaces.
pub fn merge(base: &mut Node, over: Node) {
    match (&mut base.value, over) {
        (Value::Map(below), Node { value: Value::Map(above), .. }) => {
            for (key, node) in above {
                match below.get_mut(&key) {
                    Some(existing) => merge(existing, node),
                    None => {
                        below.insert(key, node);
                    }
                }
            }
        }
        (_, over) => *base = over,
    }
}
