//! Converters that take parts out of XML, put parts in, and change its form.

use std::borrow::Cow;

use super::Kind::{Text, Word, XPath as Path};
use super::{Failure, Function, converter, may, need};
use crate::call::Args;
use crate::value::Val;
use crate::xml::{Id, Kind, Node, ROOT, Tree, write};
use crate::xpath::Place;

pub static FUNCTIONS: &[Function] = &[
    converter(
        "GetXML",
        &[need("target", Text), need("x_path", Path)],
        "What an XPath selects, one behind the other.",
        get,
    ),
    converter(
        "InsertXML",
        &[need("target", Text), need("x_path", Path), need("sub_document", Text)],
        "XML with other XML put at the end of each element that an XPath selects.",
        insert,
    ),
    converter("RemoveXML", &[need("target", Text), need("x_path", Path)], "XML without what an XPath selects.", remove),
    converter(
        "ConvertAttributesToElementsXML",
        &[need("target", Text), may("x_path", Path)],
        "XML with the attributes that an XPath selects, or all of them, as elements.",
        attributes_to_elements,
    ),
    converter(
        "ConvertTextToElementsXML",
        &[need("target", Text), may("x_path", Path), may("element_name", Word)],
        "XML with an element around each text that is not alone in its element.",
        text_to_elements,
    ),
];

fn selected(args: Args<'_, '_>, tree: &Tree) -> Option<Vec<Place>> {
    args.call.xpath(1).map(|path| path.select(tree))
}

fn written(tree: &Tree) -> Result<Val<'static>, Failure> {
    Ok(Val::owned(write(tree, &[ROOT])))
}

/// The value of an attribute that was selected.
fn attribute(tree: &Tree, place: Place) -> Option<(&str, &str)> {
    let attribute = tree.node(place.node).attributes.get(place.attribute?)?;
    Some((&attribute.name, &attribute.value))
}

/// Elements and texts as they are, attributes and CDATA as texts.
fn get<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let text = args.text(0)?;
    if text.is_empty() {
        return Ok(Val::Text(Cow::Borrowed("")));
    }
    let mut tree = Tree::read(&text)?;
    let mut found: Vec<Id> = Vec::new();
    for place in selected(args, &tree).unwrap_or_default() {
        let value = match (attribute(&tree, place), tree.node(place.node).kind) {
            (Some((_, value)), _) => value.to_owned(),
            (None, Kind::Data) => tree.node(place.node).data.clone(),
            (None, kind) => {
                found.extend(matches!(kind, Kind::Element | Kind::Text).then_some(place.node));
                continue;
            }
        };
        found.push(tree.add(ROOT, Node::new(Kind::Text, value)));
    }
    Ok(Val::owned(write(&tree, &found)))
}

fn insert<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let text = args.text(0)?;
    let mut tree = if text.is_empty() { Tree::empty() } else { Tree::read(&text)? };
    let part = Tree::read(&args.text(2)?)?;
    for place in selected(args, &tree).unwrap_or_default() {
        let kind = tree.node(place.node).kind;
        if place.attribute.is_some() || !matches!(kind, Kind::Element | Kind::Document) {
            return Err(Failure::from("the XPath selects what is no element"));
        }
        tree.add_all(place.node, &part);
    }
    written(&tree)
}

fn remove<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let text = args.text(0)?;
    if text.is_empty() {
        return Ok(Val::Text(Cow::Borrowed("")));
    }
    let mut tree = Tree::read(&text)?;
    let places = selected(args, &tree).unwrap_or_default();
    let (mut nodes, mut attributes) = (Vec::new(), Vec::new());
    for place in places {
        match (attribute(&tree, place), tree.node(place.node).kind) {
            (Some((name, _)), _) => attributes.push((place.node, name.to_owned())),
            (None, Kind::Element | Kind::Text | Kind::Comment | Kind::Data) => nodes.push(place.node),
            (None, _) => {}
        }
    }
    tree.remove_attributes(&attributes);
    tree.remove(nodes);
    written(&tree)
}

fn attributes_to_elements<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let mut tree = Tree::read(&args.text(0)?)?;
    let places = selected(args, &tree).unwrap_or_else(|| all_attributes(&tree));
    let found: Vec<_> = places.iter().filter_map(|place| Some((place.node, attribute(&tree, *place)?))).collect();
    let owned = |(node, (name, value)): &(Id, (&str, &str))| (*node, (*name).to_owned(), (*value).to_owned());
    let found: Vec<_> = found.iter().map(owned).collect();
    let names: Vec<_> = found.iter().map(|(element, name, _)| (*element, name.clone())).collect();
    tree.remove_attributes(&names);
    for (element, name, value) in found {
        let new = tree.add(element, Node::new(Kind::Element, name));
        tree.add(new, Node::new(Kind::Text, value));
    }
    written(&tree)
}

fn all_attributes(tree: &Tree) -> Vec<Place> {
    let (mut out, mut open) = (Vec::new(), vec![ROOT]);
    while let Some(node) = open.pop() {
        if tree.node(node).kind == Kind::Element {
            let count = tree.node(node).attributes.len();
            out.extend((0..count).map(|place| Place { node, attribute: Some(place) }));
        }
        open.extend(tree.node(node).children.iter().rev());
    }
    out
}

fn text_to_elements<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let mut tree = Tree::read(&args.text(0)?)?;
    let name = args.call.word(2).filter(|name| !name.is_empty()).unwrap_or("value");
    let places = selected(args, &tree).unwrap_or_else(|| vec![ROOT.into()]);
    for place in places.into_iter().filter(|place| place.attribute.is_none()) {
        wrap_texts(&mut tree, place.node, name);
    }
    written(&tree)
}

/// Texts that stand beside other texts or elements get an element, here and in all that lies in it.
fn wrap_texts(tree: &mut Tree, node: Id, name: &str) {
    if !matches!(tree.node(node).kind, Kind::Element | Kind::Document) {
        return;
    }
    let children = tree.node(node).children.clone();
    let of = |tree: &Tree, kind: Kind| children.iter().filter(|id| tree.node(**id).kind == kind).count();
    for child in &children {
        wrap_texts(tree, *child, name);
    }
    let alone = of(tree, Kind::Text) + of(tree, Kind::Element) <= 1;
    for child in children.into_iter().filter(|_| !alone) {
        if tree.node(child).kind == Kind::Text {
            let text = std::mem::take(&mut tree.node_mut(child).data);
            let node = tree.node_mut(child);
            (node.kind, node.data) = (Kind::Element, name.to_owned());
            tree.add(child, Node::new(Kind::Text, text));
        }
    }
}
