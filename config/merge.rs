//! Several `--config` become one tree.

use crate::gates;
use crate::node::{Node, Value};

/// Lays `over` on `base`: maps merge deeply, everything else (lists, scalars, an explicit null) replaces. With the gate
/// [`gates::APPENDING_MERGE`], lists of extensions, receivers and exporters in `service` are added to instead.
pub fn merge(base: &mut Node, over: Node) {
    let place = if gates::APPENDING_MERGE.is_on() { Place::Top } else { Place::Replaced };
    lay(base, over, place);
}

/// Where in a configuration a node is, as far as its lists differ by it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Top,
    Service,
    Pipeline,
    Appended,
    Replaced,
}

impl Place {
    fn of(self, key: &str) -> Self {
        match (self, key) {
            (Self::Top, "service") => Self::Service,
            (Self::Service, "extensions") | (Self::Pipeline, "receivers" | "exporters") => Self::Appended,
            (Self::Service | Self::Pipeline, _) => Self::Pipeline,
            _ => Self::Replaced,
        }
    }
}

pub(crate) fn lay(base: &mut Node, over: Node, place: Place) {
    match (&mut base.value, over) {
        (Value::Map(below), Node { value: Value::Map(above), .. }) => {
            for (key, node) in above {
                match below.get_mut(&key) {
                    Some(existing) => lay(existing, node, place.of(&key)),
                    None => {
                        below.insert(key, node);
                    }
                }
            }
        }
        (Value::List(below), Node { value: Value::List(above), .. }) if place == Place::Appended => {
            for item in above {
                if below.iter().all(|known| known.value != item.value) {
                    below.push(item);
                }
            }
        }
        (_, over) => *base = over,
    }
}
