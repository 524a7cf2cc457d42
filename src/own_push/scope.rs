//! The scope of own spans and log records: which component says it.

use pipeline::proto::common::v1::InstrumentationScope;

use crate::speaker::attribute;

/// A scope of this program with these attributes.
pub fn scope(attributes: impl IntoIterator<Item = (&'static str, serde_json::Value)>) -> InstrumentationScope {
    InstrumentationScope {
        name: "kpulse".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        attributes: attributes.into_iter().map(|(key, value)| attribute(key, &value)).collect(),
        ..InstrumentationScope::default()
    }
}

/// Puts what has the same key together, in the order in which the keys came.
pub fn together<K: PartialEq, V>(items: impl IntoIterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    for (key, value) in items {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}
