//! XML as a tree that can be searched, changed and written again.
//!
//! What a tree keeps and how it is written is as in the Collector: a declaration stays only where the text begins with
//! one, whatever stands before the first element is dropped, and empty elements have two tags.

mod read;
mod scopes;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use write::write;

/// The place of a node in its tree; nodes that were read are in the order of the text.
pub type Id = usize;

/// The document itself.
pub const ROOT: Id = 0;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The document.
    Document,
    /// `<?xml ... ?>`.
    Declaration,
    /// A tag with what is in it.
    Element,
    /// Text.
    Text,
    /// `<![CDATA[ ... ]]>`.
    Data,
    /// `<!-- ... -->`.
    Comment,
    /// `<! ... >`.
    Directive,
    /// `<? ... ?>`, which is not the declaration.
    Instruction,
}

/// An attribute of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// What stands before the colon, or nothing.
    pub prefix: String,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The name of an element or instruction; the text of anything else.
    pub data: String,
    /// What stands before the colon of an element's name, or nothing.
    pub prefix: String,
    /// The URL of its namespace, or nothing.
    pub namespace: Arc<str>,
    /// Its attributes in their order.
    pub attributes: Vec<Attribute>,
    /// What stands behind the target of an instruction.
    pub instruction: String,
    /// The node that it is in.
    pub parent: Option<Id>,
    /// What is in it.
    pub children: Vec<Id>,
}

impl Node {
    /// A node with this name or text, in no tree yet.
    pub fn new(kind: Kind, data: impl Into<String>) -> Self {
        Self {
            kind,
            data: data.into(),
            prefix: String::new(),
            namespace: Arc::default(),
            attributes: Vec::new(),
            instruction: String::new(),
            parent: None,
            children: Vec::new(),
        }
    }

    /// Whether it is text of nothing but space.
    pub fn is_space(&self) -> bool {
        self.kind == Kind::Text && self.data.trim().is_empty()
    }
}

/// A document. It always has its root.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// A document with nothing in it.
    pub fn empty() -> Self {
        Self { nodes: vec![Node::new(Kind::Document, "")] }
    }

    /// The node at this place.
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    /// The node at this place, to change.
    pub fn node_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id]
    }

    /// Puts a node at the end of what is in `parent`.
    pub fn add(&mut self, parent: Id, node: Node) -> Id {
        let id = self.nodes.len();
        self.nodes.push(Node { parent: Some(parent), ..node });
        self.nodes[parent].children.push(id);
        id
    }

    /// Puts what is in another document at the end of what is in `parent`.
    pub fn add_all(&mut self, parent: Id, other: &Self) {
        self.copy(parent, other, ROOT);
    }

    fn copy(&mut self, parent: Id, other: &Self, from: Id) {
        for child in &other.nodes[from].children {
            let node = Node { children: Vec::new(), ..other.nodes[*child].clone() };
            let id = self.add(parent, node);
            self.copy(id, other, *child);
        }
    }

    /// Takes nodes out of what they are in, each parent gone through once: they may be as many as there are.
    pub fn remove(&mut self, ids: impl IntoIterator<Item = Id>) {
        let mut parents = HashSet::new();
        for id in ids {
            parents.extend(self.nodes[id].parent.take());
        }
        for parent in parents {
            let mut children = std::mem::take(&mut self.nodes[parent].children);
            children.retain(|child| self.nodes[*child].parent.is_some());
            self.nodes[parent].children = children;
        }
    }

    /// Takes attributes of these nodes and names away, each node gone through once. Of several with the name it is the
    /// first without prefix, as the Collector does also for one that has a prefix.
    pub fn remove_attributes(&mut self, gone: &[(Id, String)]) {
        let mut counts: HashMap<Id, HashMap<&str, usize>> = HashMap::new();
        for (id, name) in gone {
            *counts.entry(*id).or_default().entry(name).or_default() += 1;
        }
        for (id, mut counts) in counts {
            self.nodes[id].attributes.retain(|attribute| match counts.get_mut(&*attribute.name) {
                Some(count) if *count > 0 && attribute.prefix.is_empty() => {
                    *count -= 1;
                    false
                }
                _ => true,
            });
        }
    }

    /// All text in a node, without its tags.
    pub fn text(&self, id: Id) -> String {
        let mut out = String::new();
        self.collect_text(id, &mut out);
        out
    }

    fn collect_text(&self, id: Id, out: &mut String) {
        let node = &self.nodes[id];
        match node.kind {
            Kind::Text | Kind::Data => out.push_str(&node.data),
            Kind::Comment => {}
            _ => node.children.iter().for_each(|child| self.collect_text(*child, out)),
        }
    }
}
