//! Text to tree. The only file that knows `serde_yaml`.

use serde_yaml::Value as Yaml;

use crate::error::Error;
use crate::node::{Map, Node, Origin, Value};

/// Parses one YAML document. An empty text is `null`. Merge keys (`<<`) are applied.
///
/// # Errors
/// Bad syntax, duplicate or non-string keys, tags, and numbers that no setting could hold.
pub fn parse(text: &str, origin: &Origin) -> Result<Node, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut document: Yaml = serde_yaml::from_str(text).map_err(|e| fault(origin, &e.to_string()))?;
    document.apply_merge().map_err(|e| fault(origin, &e.to_string()))?;
    node(document, origin, &mut Vec::new())
}

fn fault(origin: &Origin, what: &str) -> Error {
    Error { path: Vec::new(), message: format!("{origin}: not valid YAML: {what}") }
}

fn node(yaml: Yaml, origin: &Origin, path: &mut Vec<String>) -> Result<Node, Error> {
    let value = match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(b) => Value::Bool(b),
        Yaml::Number(n) => number(&n),
        Yaml::String(s) => Value::String(s),
        Yaml::Sequence(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                list.push(descend(index.to_string(), item, origin, path)?);
            }
            Value::List(list)
        }
        Yaml::Mapping(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (key, item) in entries {
                let key = key_text(&key, path)?;
                let item = descend(key.clone(), item, origin, path)?;
                map.insert(key, item);
            }
            Value::Map(map)
        }
        Yaml::Tagged(tagged) => {
            return Err(Error { path: path.clone(), message: format!("YAML tag {} is not supported", tagged.tag) });
        }
    };
    Ok(Node::from_source(value, origin))
}

fn descend(step: String, yaml: Yaml, origin: &Origin, path: &mut Vec<String>) -> Result<Node, Error> {
    path.push(step);
    let result = node(yaml, origin, path);
    path.pop();
    result
}

fn number(n: &serde_yaml::Number) -> Value {
    if let Some(i) = n.as_i64() {
        return Value::Int(i.into());
    }
    if let Some(u) = n.as_u64() {
        return Value::Int(u.into());
    }
    Value::Float(n.as_f64().unwrap_or(f64::NAN))
}

/// Keys are text in the Collector; numbers and bools as keys are taken by their usual spelling.
fn key_text(key: &Yaml, path: &[String]) -> Result<String, Error> {
    match key {
        Yaml::String(s) => Ok(s.clone()),
        Yaml::Number(n) => Ok(n.to_string()),
        Yaml::Bool(b) => Ok(b.to_string()),
        _ => Err(Error { path: path.to_vec(), message: "keys have to be strings".into() }),
    }
}
