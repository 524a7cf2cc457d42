//! From text to a tree.

use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::scopes::Scopes;
use super::{Attribute, Id, Kind, Node, ROOT, Tree};
use crate::Failure;

/// Deeper than this nothing is read, so that nobody's text can take the stack.
const DEEPEST: usize = 1_000;

impl Tree {
    /// Reads a text.
    ///
    /// # Errors
    /// It is no XML, has no element, or uses a prefix that it does not declare.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        let mut building = Building::default();
        loop {
            match reader.read_event().map_err(|error| wrong(&error))? {
                Event::Eof => break,
                event => building.take(event)?,
            }
        }
        if !building.open.is_empty() {
            return Err(Failure::from("XML that ends within an element"));
        }
        let mut tree = building.tree;
        let top = &tree.node(ROOT).children;
        if !top.iter().any(|id| tree.node(*id).kind == Kind::Element) {
            return Err(Failure::from("XML without an element"));
        }
        // The first node is the declaration, or stands where it would be.
        let first = top.first().copied().filter(|first| tree.node(*first).kind != Kind::Element);
        match first {
            Some(first) if !text.starts_with("<?xml") => tree.remove([first]),
            _ => {}
        }
        Ok(tree)
    }
}

fn wrong(error: &dyn std::fmt::Display) -> Failure {
    Failure::from(format!("no XML: {error}"))
}

fn utf8(bytes: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(bytes).map_err(|error| wrong(&error))
}

/// A carriage return is part of the end of a line.
fn lines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

struct Building {
    tree: Tree,
    open: Vec<Id>,
    scopes: Scopes,
    /// The text that an entity or more text goes on with.
    said: Option<Id>,
}

impl Default for Building {
    fn default() -> Self {
        Self { tree: Tree::empty(), open: Vec::new(), scopes: Scopes::default(), said: None }
    }
}

impl Building {
    fn take(&mut self, event: Event<'_>) -> Result<(), Failure> {
        match event {
            Event::Text(text) => self.say(&lines(&text.decode().map_err(|error| wrong(&error))?)),
            Event::GeneralRef(name) => {
                let name = name.decode().map_err(|error| wrong(&error))?;
                let meant =
                    quick_xml::escape::unescape(&format!("&{name};")).map_err(|error| wrong(&error))?.into_owned();
                self.say(&meant);
            }
            other => {
                self.said = None;
                return self.take_tag(other);
            }
        }
        Ok(())
    }

    fn take_tag(&mut self, event: Event<'_>) -> Result<(), Failure> {
        match event {
            Event::Start(start) => {
                let id = self.element(&start)?;
                self.open.push(id);
                if self.open.len() > DEEPEST {
                    return Err(Failure::from("XML that is nested too deeply"));
                }
            }
            Event::Empty(start) => {
                self.element(&start)?;
                self.scopes.leave(self.open.len());
            }
            Event::End(_) => {
                self.open.pop().ok_or("XML that ends what is not open")?;
                self.scopes.leave(self.open.len());
            }
            Event::CData(text) => self.add(Kind::Data, &lines(&text.decode().map_err(|error| wrong(&error))?)),
            Event::Comment(text) => self.add(Kind::Comment, &lines(&text.decode().map_err(|error| wrong(&error))?)),
            Event::DocType(text) => {
                let text = text.decode().map_err(|error| wrong(&error))?;
                self.add(Kind::Directive, &format!("DOCTYPE {text}"));
            }
            Event::Decl(text) => self.instruction(utf8(&text)?),
            Event::PI(text) => self.instruction(utf8(&text)?),
            Event::Eof | Event::Text(_) | Event::GeneralRef(_) => {}
        }
        Ok(())
    }

    fn parent(&self) -> Id {
        self.open.last().copied().unwrap_or(ROOT)
    }

    /// Whether the tree has begun: what stands before that is in no tree.
    fn begun(&self) -> bool {
        !self.tree.node(ROOT).children.is_empty()
    }

    fn add(&mut self, kind: Kind, data: &str) {
        if self.begun() {
            self.tree.add(self.parent(), Node::new(kind, data));
        }
    }

    fn say(&mut self, text: &str) {
        if let Some(said) = self.said {
            self.tree.node_mut(said).data.push_str(text);
        } else if self.begun() && !text.is_empty() {
            self.said = Some(self.tree.add(self.parent(), Node::new(Kind::Text, text)));
        }
    }

    fn instruction(&mut self, text: &str) {
        let (target, rest) = text.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((text, ""));
        let kind = if target == "xml" { Kind::Declaration } else { Kind::Instruction };
        let mut node = Node::new(kind, target);
        node.instruction = rest.trim().to_owned();
        let pairs = rest.split(' ').filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| !name.is_empty());
        let mut known = HashSet::new();
        for (name, value) in pairs.filter(|(name, _)| known.insert(*name)) {
            let (prefix, name) = split(name);
            let value = value.trim_matches(['"', '\'']).to_owned();
            node.attributes.push(Attribute { prefix: prefix.to_owned(), name: name.to_owned(), value });
        }
        self.tree.add(self.parent(), node);
    }

    fn element(&mut self, start: &BytesStart<'_>) -> Result<Id, Failure> {
        let (prefix, name) = split(utf8(start.name().into_inner())?);
        let mut node = Node::new(Kind::Element, name);
        let depth = self.open.len() + 1;
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| wrong(&error))?;
            let (prefix, name) = split(utf8(attribute.key.into_inner())?);
            let value = lines(utf8(&attribute.value)?);
            let value = quick_xml::escape::unescape(&value).map_err(|error| wrong(&error))?;
            match (prefix, name) {
                ("", "xmlns") => self.scopes.declare("", &value, depth),
                ("xmlns", name) => self.scopes.declare(name, &value, depth),
                _ => {}
            }
            let (prefix, name) = (prefix.to_owned(), name.to_owned());
            node.attributes.push(Attribute { prefix, name, value: value.into_owned() });
        }
        let known = self.scopes.url(prefix);
        if known.is_none() && !prefix.is_empty() {
            return Err(Failure::from(format!("XML that does not declare its prefix {prefix:?}")));
        }
        node.namespace = known.unwrap_or_default();
        node.prefix = prefix.to_owned();
        Ok(self.tree.add(self.parent(), node))
    }
}

/// Prefix and name.
fn split(name: &str) -> (&str, &str) {
    match name.split_once(':') {
        Some((prefix, local)) if !prefix.is_empty() && !local.is_empty() && !local.contains(':') => (prefix, local),
        _ => ("", name),
    }
}
