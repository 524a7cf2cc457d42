//! Where a step can go, and what it may find there.

use super::Place;
use crate::xml::{Id, Kind, Tree};

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// What is in it.
    Child,
    /// What is in it, however deep.
    Descendant,
    /// It, and what is in it, however deep.
    DescendantOrSelf,
    /// What it is in.
    Parent,
    /// What it is in, up to the document.
    Ancestor,
    /// It, and what it is in.
    AncestorOrSelf,
    /// What comes behind it in the same node.
    FollowingSibling,
    /// What comes before it in the same node.
    PrecedingSibling,
    /// What begins behind its end.
    Following,
    /// What ends before it begins.
    Preceding,
    /// Its attributes.
    Attribute,
    /// It.
    Myself,
}

/// As they are written in front of `::`.
pub const AXES: [(&str, Axis); 12] = [
    ("child", Axis::Child),
    ("descendant", Axis::Descendant),
    ("descendant-or-self", Axis::DescendantOrSelf),
    ("parent", Axis::Parent),
    ("ancestor", Axis::Ancestor),
    ("ancestor-or-self", Axis::AncestorOrSelf),
    ("following-sibling", Axis::FollowingSibling),
    ("preceding-sibling", Axis::PrecedingSibling),
    ("following", Axis::Following),
    ("preceding", Axis::Preceding),
    ("attribute", Axis::Attribute),
    ("self", Axis::Myself),
];

impl Axis {
    /// What lies in this direction, the nearest first.
    pub fn places(self, tree: &Tree, from: Place) -> Vec<Place> {
        let mut out = Vec::new();
        let node = from.node;
        match (self, from.attribute) {
            (Self::Myself, _) => return vec![from],
            (Self::Parent, Some(_)) => return vec![node.into()],
            (Self::Ancestor | Self::AncestorOrSelf, Some(_)) => {
                out.extend((self == Self::AncestorOrSelf).then_some(from));
                out.push(node.into());
                ancestors(tree, node, &mut out);
            }
            (Self::DescendantOrSelf, Some(_)) => out.push(from),
            (_, Some(_)) => {}
            (Self::Child, None) => out.extend(children(tree, node).map(Place::from)),
            (Self::Descendant, None) => descendants(tree, node, &mut out),
            (Self::DescendantOrSelf, None) => {
                out.push(from);
                descendants(tree, node, &mut out);
            }
            (Self::Parent, None) => out.extend(tree.node(node).parent.map(Place::from)),
            (Self::Ancestor, None) => ancestors(tree, node, &mut out),
            (Self::AncestorOrSelf, None) => {
                out.push(from);
                ancestors(tree, node, &mut out);
            }
            (Self::FollowingSibling, None) => out.extend(behind(tree, node).into_iter().map(Place::from)),
            (Self::PrecedingSibling, None) => out.extend(before(tree, node).into_iter().map(Place::from)),
            (Self::Following, None) => following(tree, node, &mut out),
            (Self::Preceding, None) => preceding(tree, node, &mut out),
            (Self::Attribute, None) if tree.node(node).kind == Kind::Element => {
                let count = tree.node(node).attributes.len();
                out.extend((0..count).map(|place| Place { node, attribute: Some(place) }));
            }
            (Self::Attribute, None) => {}
        }
        out
    }
}

/// Text of nothing but space is seen only in front of everything else.
fn children(tree: &Tree, node: Id) -> impl Iterator<Item = Id> + '_ {
    let seen = |(index, id): (usize, &Id)| (index == 0 || !tree.node(*id).is_space()).then_some(*id);
    tree.node(node).children.iter().enumerate().filter_map(seen)
}

fn descendants(tree: &Tree, node: Id, out: &mut Vec<Place>) {
    for child in children(tree, node) {
        out.push(child.into());
        descendants(tree, child, out);
    }
}

fn ancestors(tree: &Tree, mut node: Id, out: &mut Vec<Place>) {
    while let Some(parent) = tree.node(node).parent {
        out.push(parent.into());
        node = parent;
    }
}

fn siblings(tree: &Tree, node: Id) -> (&[Id], usize) {
    let siblings = tree.node(node).parent.map_or(&[][..], |parent| &tree.node(parent).children);
    (siblings, siblings.iter().position(|sibling| *sibling == node).unwrap_or_default())
}

fn behind(tree: &Tree, node: Id) -> Vec<Id> {
    let (siblings, place) = siblings(tree, node);
    siblings.iter().skip(place + 1).copied().filter(|id| !tree.node(*id).is_space()).collect()
}

fn before(tree: &Tree, node: Id) -> Vec<Id> {
    let (siblings, place) = siblings(tree, node);
    siblings[..place.min(siblings.len())].iter().rev().copied().filter(|id| !tree.node(*id).is_space()).collect()
}

fn following(tree: &Tree, mut node: Id, out: &mut Vec<Place>) {
    loop {
        for sibling in behind(tree, node) {
            out.push(sibling.into());
            descendants(tree, sibling, out);
        }
        let Some(parent) = tree.node(node).parent else { return };
        node = parent;
    }
}

fn preceding(tree: &Tree, mut node: Id, out: &mut Vec<Place>) {
    loop {
        for sibling in before(tree, node) {
            let mut inner = vec![sibling.into()];
            descendants(tree, sibling, &mut inner);
            out.extend(inner.into_iter().rev());
        }
        let Some(parent) = tree.node(node).parent else { return };
        node = parent;
    }
}

/// What a step accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `node()`.
    Any,
    /// `text()`, also within CDATA.
    Text,
    /// `comment()`.
    Comment,
    /// `processing-instruction()`, with a target if one is named.
    Instruction(Option<String>),
    /// An element or attribute of this prefix and name; `None` for any.
    Name {
        /// What stands before the colon, or nothing.
        prefix: String,
        /// What stands behind it.
        name: Option<String>,
    },
}

impl Test {
    /// Whether a place is accepted on this axis.
    pub fn accepts(&self, tree: &Tree, axis: Axis, place: Place) -> bool {
        let node = tree.node(place.node);
        let attribute = place.attribute.and_then(|index| node.attributes.get(index));
        match (self, attribute) {
            (Self::Any, _) => true,
            (Self::Name { prefix, name }, Some(attribute)) => {
                axis == Axis::Attribute && named(prefix, name.as_ref(), &attribute.prefix, &attribute.name)
            }
            (_, Some(_)) => false,
            (Self::Text, None) => matches!(node.kind, Kind::Text | Kind::Data | Kind::Directive),
            (Self::Comment, None) => node.kind == Kind::Comment,
            (Self::Instruction(target), None) => {
                node.kind == Kind::Instruction && target.as_ref().is_none_or(|target| *target == node.data)
            }
            (Self::Name { prefix, name }, None) => {
                axis != Axis::Attribute
                    && node.kind == Kind::Element
                    && named(prefix, name.as_ref(), &node.prefix, &node.data)
            }
        }
    }
}

/// A star without prefix is everything; `ns:*` is what has the prefix.
fn named(prefix: &str, name: Option<&String>, found_prefix: &str, found: &str) -> bool {
    match name {
        Some(name) => name == found && prefix == found_prefix,
        None => prefix.is_empty() || prefix == found_prefix,
    }
}
