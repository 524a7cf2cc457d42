//! Optional sections: present means on, unless they say `enabled: false`.

use crate::decode::{Decode, Decoder, FieldDoc};
use crate::encode::Secrets;
use crate::node::{Map, Node, Value};

/// A section that can be off. The three flavours of the Collector are three defaults:
/// [`Section::off`] (null keeps it off), [`Section::on_when_named`] (null or `{}` turns it on) and
/// [`Section::on`] (on unless `enabled: false`).
#[derive(Clone, Debug, PartialEq)]
pub enum Section<T> {
    /// Off; the value is what an empty section would turn on.
    Off {
        /// Whether naming the section with a null value turns it on.
        null_turns_on: bool,
        /// The settings it would have.
        template: T,
    },
    /// On, with these settings.
    On(T),
}

impl<T: Default> Section<T> {
    /// Off, also when named with null.
    pub fn off() -> Self {
        Self::Off { null_turns_on: false, template: T::default() }
    }

    /// Off until named, even with null.
    pub fn on_when_named() -> Self {
        Self::Off { null_turns_on: true, template: T::default() }
    }

    /// On from the start.
    pub fn on() -> Self {
        Self::On(T::default())
    }
}

impl<T> Section<T> {
    /// The settings, when it is on.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::On(settings) => Some(settings),
            Self::Off { .. } => None,
        }
    }
}

impl<T: Decode + Clone> Decode for Section<T> {
    const FIELDS: &'static [FieldDoc] = T::FIELDS;

    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let null_turns_on = !matches!(default, Self::Off { null_turns_on: false, .. });
        let (Self::Off { template, .. } | Self::On(template)) = default;
        let Value::Map(map) = &node.value else {
            return Self::On(T::decode(node, template, decoder));
        };
        let mut map = map.clone();
        let enabled = match map.shift_remove("enabled") {
            Some(node) => decoder.at("enabled", |decoder| bool::decode(&node, true, decoder)),
            None => true,
        };
        let inner = Node { value: Value::Map(map), raw: None, origin: node.origin.clone() };
        // Unknown keys are refused in a disabled section too; only its rules are not applied.
        let settings = T::decode(&inner, template, decoder);
        if enabled { Self::On(settings) } else { Self::Off { null_turns_on, template: settings } }
    }

    fn null(default: Self) -> Self {
        match default {
            Self::Off { null_turns_on: true, template } => Self::On(template),
            other => other,
        }
    }

    fn validate(&self, decoder: &mut Decoder) {
        if let Self::On(settings) = self {
            settings.validate(decoder);
        }
    }

    /// A section that is off is null, as in the Collector, where that is read as off, and says so otherwise.
    fn encode(&self, secrets: Secrets) -> Node {
        match self {
            Self::On(settings) | Self::Off { template: settings, .. } if secrets == Secrets::Reference => {
                settings.encode(secrets)
            }
            Self::On(settings) => settings.encode(secrets),
            Self::Off { null_turns_on: false, .. } => Node::of(Value::Null),
            Self::Off { .. } => Node::of(Value::Map(Map::from_iter([off()]))),
        }
    }
}

fn off() -> (String, Node) {
    ("enabled".to_owned(), Node::of(Value::Bool(false)))
}
