//! [`Decode`] for scalars, lists and plain maps. Strict: nothing is converted silently.

use indexmap::IndexMap;

use crate::component_id::ComponentId;
use crate::decode::{Decode, Decoder, FieldDoc};
use crate::encode::Secrets;
use crate::node::{Node, Value};
use crate::opaque::{Opaque, REDACTED};

impl Decode for bool {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let Value::Bool(value) = node.value else {
            decoder.mismatch("true or false", node);
            return default;
        };
        value
    }

    fn null(_: Self) -> Self {
        false
    }

    fn encode(&self, _: Secrets) -> Node {
        Node::of(Value::Bool(*self))
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Decode for $type {
            fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
                let Value::Int(value) = node.value else {
                    decoder.mismatch("an integer", node);
                    return default;
                };
                <$type>::try_from(value).unwrap_or_else(|_| {
                    decoder.error(format!("{value} is out of range {} to {}", <$type>::MIN, <$type>::MAX));
                    default
                })
            }

            fn null(_: Self) -> Self {
                0
            }

            fn encode(&self, _: Secrets) -> Node {
                Node::of(Value::Int((*self).into()))
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i32, i64);

impl Decode for f64 {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        match node.value {
            Value::Float(value) => value,
            Value::Int(value) => value as f64,
            _ => {
                decoder.mismatch("a number", node);
                default
            }
        }
    }

    fn null(_: Self) -> Self {
        0.0
    }

    fn encode(&self, _: Secrets) -> Node {
        Node::of(Value::Float(*self))
    }
}

impl Decode for String {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        match (&node.raw, &node.value) {
            (Some(raw), _) => raw.to_string(),
            (None, Value::String(text)) => text.clone(),
            _ => {
                decoder.mismatch("a string (quote it)", node);
                default
            }
        }
    }

    fn null(_: Self) -> Self {
        String::new()
    }

    fn encode(&self, _: Secrets) -> Node {
        Node::text(self)
    }
}

impl Decode for Opaque {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        Self::new(String::decode(node, default.reveal().to_owned(), decoder))
    }

    fn null(_: Self) -> Self {
        Self::default()
    }

    fn encode(&self, secrets: Secrets) -> Node {
        match secrets {
            Secrets::Redacted | Secrets::Reference => Node::text(REDACTED),
            Secrets::Revealed => Node::text(self.reveal()),
        }
    }
}

impl Decode for ComponentId {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let text = String::decode(node, default.to_string(), decoder);
        text.parse().unwrap_or_else(|message: String| {
            decoder.error(message);
            default
        })
    }

    fn encode(&self, _: Secrets) -> Node {
        Node::text(self.to_string())
    }
}

/// Any value, for settings without a type: `${env:X}` is what YAML makes of the variable, and an empty one is null.
impl Decode for Node {
    fn decode(node: &Node, _: Self, _: &mut Decoder) -> Self {
        let value = if node.raw.as_deref() == Some("") { Value::Null } else { node.value.clone() };
        Self::from_source(value, &node.origin)
    }

    fn encode(&self, _: Secrets) -> Node {
        self.clone()
    }
}

/// A value that may be left out; null leaves it out too.
impl<T: Decode + Default> Decode for Option<T> {
    const FIELDS: &'static [FieldDoc] = T::FIELDS;

    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        Some(T::decode(node, default.unwrap_or_default(), decoder))
    }

    fn null(_: Self) -> Self {
        None
    }

    fn validate(&self, decoder: &mut Decoder) {
        if let Some(value) = self {
            value.validate(decoder);
        }
    }

    fn encode(&self, secrets: Secrets) -> Node {
        self.as_ref().map_or(Node::of(Value::Null), |value| value.encode(secrets))
    }
}

/// A list; one string stands for its comma-separated parts, as in the Collector.
impl<T: Decode + Default> Decode for Vec<T> {
    const FIELDS: &'static [FieldDoc] = T::FIELDS;

    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let parts;
        let items = match &node.value {
            Value::List(items) => items,
            Value::String(text) => {
                parts = text.split(',').map(Node::text).collect::<Vec<_>>();
                &parts
            }
            _ => {
                decoder.mismatch("a list", node);
                return default;
            }
        };
        let one = |(index, item): (usize, &Node)| decoder.at(index.to_string(), |d| T::decode(item, T::default(), d));
        items.iter().enumerate().map(one).collect()
    }

    fn validate(&self, decoder: &mut Decoder) {
        for (index, item) in self.iter().enumerate() {
            decoder.at(index.to_string(), |decoder| item.validate(decoder));
        }
    }

    fn encode(&self, secrets: Secrets) -> Node {
        Node::of(Value::List(self.iter().map(|item| item.encode(secrets)).collect()))
    }
}

/// A map with free keys, in the order written.
impl<T: Decode + Default> Decode for IndexMap<String, T> {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let Value::Map(map) = &node.value else {
            decoder.mismatch("a map", node);
            return default;
        };
        map.iter().map(|(k, v)| (k.clone(), decoder.at(k, |d| T::decode(v, T::default(), d)))).collect()
    }

    fn validate(&self, decoder: &mut Decoder) {
        for (key, value) in self {
            decoder.at(key, |decoder| value.validate(decoder));
        }
    }

    fn encode(&self, secrets: Secrets) -> Node {
        Node::of(Value::Map(self.iter().map(|(k, v)| (k.clone(), v.encode(secrets))).collect()))
    }
}
