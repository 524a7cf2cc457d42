//! Tree to text, for `print-config`.

use serde_yaml::{Mapping, Number, Value as Yaml};

use crate::node::{Node, Value};

/// Whether [`crate::Opaque`] values are shown, and what sections that are off would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Shown as `[REDACTED]`.
    Redacted,
    /// Shown as they are.
    Revealed,
    /// Redacted; what every setting would be, also below sections that are off: for the reference pages.
    Reference,
}

/// The tree as YAML.
///
/// # Errors
/// When the YAML writer refuses a value; it has none that it refuses today.
pub fn to_yaml(node: &Node) -> Result<String, crate::Error> {
    serde_yaml::to_string(&yaml(node)).map_err(|e| crate::Error { path: Vec::new(), message: e.to_string() })
}

fn yaml(node: &Node) -> Yaml {
    match &node.value {
        Value::Null => Yaml::Null,
        Value::Bool(b) => Yaml::Bool(*b),
        Value::Int(i) => match (i64::try_from(*i), u64::try_from(*i)) {
            (Ok(i), _) => Yaml::Number(i.into()),
            (_, Ok(u)) => Yaml::Number(u.into()),
            _ => Yaml::String(i.to_string()),
        },
        Value::Float(f) => Yaml::Number(Number::from(*f)),
        Value::String(s) => Yaml::String(s.clone()),
        Value::List(items) => Yaml::Sequence(items.iter().map(yaml).collect()),
        Value::Map(map) => {
            Yaml::Mapping(map.iter().map(|(k, v)| (Yaml::String(k.clone()), yaml(v))).collect::<Mapping>())
        }
    }
}
