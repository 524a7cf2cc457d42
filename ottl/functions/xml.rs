//! XML as maps.

use std::collections::HashMap;

use super::Kind::Text;
use super::parsers::{entry, of_text};
use super::{Failure, Function, converter, need};
use crate::growing::Growing;
use crate::sendable::sendable;
use crate::xml::{Id, Kind, ROOT, Tree};
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

pub static FUNCTIONS: &[Function] = &[
    converter(
        "ParseXML",
        &[need("target", Text)],
        "The map of an element: tag, content, attributes, children.",
        |args| {
            let text = args.text(0)?;
            let tree = Tree::read(&text)?;
            let elements: Vec<Id> = elements(&tree, ROOT).collect();
            match &elements[..] {
                [element] if text.ends_with('>') => sendable(map(full(&tree, *element))),
                _ => Err(Failure::from("XML that is not one element")),
            }
        },
    ),
    converter(
        "ParseSimplifiedXML",
        &[need("target", Text)],
        "The map of elements by their tags; attributes, and text beside elements, are left out.",
        |args| {
            let text = args.text(0)?;
            let tree = Tree::read(&text)?;
            sendable(map(simple(&tree, ROOT)))
        },
    ),
];

fn map(values: Vec<KeyValue>) -> AnyValue {
    AnyValue { value: Some(Value::KvlistValue(KeyValueList { values })) }
}

fn elements(tree: &Tree, within: Id) -> impl Iterator<Item = Id> + '_ {
    tree.node(within).children.iter().copied().filter(|id| tree.node(*id).kind == Kind::Element)
}

/// The texts that lie in an element itself.
fn texts(tree: &Tree, element: Id) -> impl Iterator<Item = &str> {
    let children = tree.node(element).children.iter().map(|id| tree.node(*id));
    children.filter(|node| matches!(node.kind, Kind::Text | Kind::Data)).map(|node| &*node.data)
}

fn full(tree: &Tree, element: Id) -> Vec<KeyValue> {
    let mut out = vec![entry("tag", of_text(&tree.node(element).data))];
    let content: String = texts(tree, element).map(str::trim).collect();
    if !content.is_empty() {
        out.push(entry("content", of_text(&content)));
    }
    if !tree.node(element).attributes.is_empty() {
        let mut attributes = Growing::default();
        for attribute in &tree.node(element).attributes {
            *attributes.value(&attribute.name) = of_text(&attribute.value);
        }
        out.push(entry("attributes", map(attributes.into_entries())));
    }
    let values: Vec<AnyValue> = elements(tree, element).map(|child| map(full(tree, child))).collect();
    if !values.is_empty() {
        out.push(entry("children", AnyValue { value: Some(Value::ArrayValue(ArrayValue { values })) }));
    }
    out
}

/// Elements of the same tag become a list, those without content nothing.
fn simple(tree: &Tree, within: Id) -> Vec<KeyValue> {
    let mut tags: HashMap<&str, usize> = HashMap::new();
    for child in elements(tree, within) {
        *tags.entry(&tree.node(child).data).or_default() += 1;
    }
    let (mut out, mut places): (Vec<KeyValue>, HashMap<&str, usize>) = Default::default();
    for child in elements(tree, within) {
        let tag = &*tree.node(child).data;
        let (text, nested) = (texts(tree, child).next(), elements(tree, child).next().is_some());
        if text.is_none() && !nested {
            continue;
        }
        let value = match nested {
            false => text.filter(|text| !text.is_empty()).map(of_text),
            true => Some(simple(tree, child)).filter(|values| !values.is_empty()).map(map),
        };
        if tags.get(tag) == Some(&1) {
            out.extend(value.map(|value| entry(tag, value)));
            continue;
        }
        let place = *places.entry(tag).or_insert_with(|| {
            out.push(entry(tag, AnyValue { value: Some(Value::ArrayValue(ArrayValue::default())) }));
            out.len() - 1
        });
        if let Some(Value::ArrayValue(list)) = out[place].value.as_mut().and_then(|value| value.value.as_mut()) {
            list.values.extend(value);
        }
    }
    out
}
