//! `service::telemetry::resource`: who speaks.

use config::{Decode, Decoder, Map, Node, Secrets, Value};
use indexmap::IndexMap;

/// The schema that the Collector 0.155 names.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.40.0";
/// Keys that are not attributes when attributes are written as a plain map.
const KEYS: [&str; 3] = ["attributes", "schema_url", "detectors"];

/// Attributes of own log lines and metrics. Written as a list of `name` and `value` below `attributes`, or, as older
/// files do, as a plain map, where null takes one of the usual attributes away.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceSettings {
    /// Attributes over the usual ones; null takes one away.
    pub attributes: IndexMap<String, Value>,
    schema_url: String,
    plain: bool,
}

impl ResourceSettings {
    /// The schema that the attributes follow.
    pub fn schema_url(&self) -> &str {
        &self.schema_url
    }
}

impl Default for ResourceSettings {
    fn default() -> Self {
        Self { attributes: IndexMap::new(), schema_url: SCHEMA_URL.into(), plain: false }
    }
}

impl Decode for ResourceSettings {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let Value::Map(map) = &node.value else {
            decoder.mismatch("a map", node);
            return default;
        };
        let schema_url = map.get("schema_url").map_or(default.schema_url.clone(), |node| {
            decoder.at("schema_url", |d| String::decode(node, String::new(), d))
        });
        if map.contains_key("attributes_list") {
            decoder.error("attributes_list is not supported, use attributes: a list of name and value");
            return default;
        }
        let others: Map = map.iter().filter(|(key, _)| !KEYS.contains(&key.as_str())).map(own).collect();
        match map.get("attributes") {
            Some(list) if others.is_empty() => {
                let attributes = decoder.at("attributes", |d| listed(list, d));
                Self { attributes, schema_url, plain: false }
            }
            Some(_) => {
                decoder.error("attributes cannot be used together with attributes written as a plain map");
                default
            }
            None => Self { attributes: plain(&others, decoder), schema_url, plain: !others.is_empty() },
        }
    }

    fn encode(&self, _: Secrets) -> Node {
        let mut map = Map::new();
        if self.plain {
            map.extend(self.attributes.iter().map(|(name, value)| (name.clone(), Node::of(value.clone()))));
        } else {
            let item = |(name, value): (&String, &Value)| {
                Node::map([("name", Node::text(name)), ("value", Node::of(value.clone()))])
            };
            map.insert("attributes".into(), Node::of(Value::List(self.attributes.iter().map(item).collect())));
        }
        map.insert("schema_url".into(), Node::text(&self.schema_url));
        Node::of(Value::Map(map))
    }
}

fn own((key, node): (&String, &Node)) -> (String, Node) {
    (key.clone(), node.clone())
}

fn plain(map: &Map, decoder: &mut Decoder) -> IndexMap<String, Value> {
    let mut attributes = IndexMap::new();
    for (name, node) in map {
        match (&node.raw, &node.value) {
            (Some(raw), _) => drop(attributes.insert(name.clone(), Value::String(raw.to_string()))),
            (None, value @ (Value::String(_) | Value::Null)) => drop(attributes.insert(name.clone(), value.clone())),
            _ => decoder.at(name, |d| d.mismatch("a string or null", node)),
        }
    }
    attributes
}

fn listed(node: &Node, decoder: &mut Decoder) -> IndexMap<String, Value> {
    let mut attributes = IndexMap::new();
    let Value::List(items) = &node.value else {
        if !node.is_null() {
            decoder.mismatch("a list of name and value", node);
        }
        return attributes;
    };
    for (index, item) in items.iter().enumerate() {
        decoder.at(index.to_string(), |decoder| {
            let Some(fields) = decoder.fields(item, &["name", "value", "type"]) else { return };
            let name = fields.take("name", String::new(), decoder);
            if name.is_empty() {
                return decoder.error("must have a name");
            }
            attributes.insert(name, fields.take("value", Node::default(), decoder).value);
        });
    }
    attributes
}
