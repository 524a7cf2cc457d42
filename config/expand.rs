//! `${env:X:-default}`, `${file:...}`, `${yaml:...}`, `${https:...}` and `$$`, in values, never in keys.

use std::sync::Arc;

use crate::error::{Error, Errors};
use crate::node::{Node, Value};
use crate::source::{Environment, SourceError, is_scheme, retrieve};
use crate::yaml::parse;

/// References that lead to references end here, as in the Collector.
const MAX_DEPTH: usize = 1000;

/// Expands every reference of the merged tree. Returns warnings: variables that are not set.
///
/// # Errors
/// All references that cannot be resolved, with their paths.
pub fn expand(tree: &mut Node, outside: &dyn Environment) -> Result<Vec<String>, Errors> {
    let mut expander = Expander { outside, path: Vec::new(), errors: Vec::new(), warnings: Vec::new() };
    expander.node(tree, 0);
    if expander.errors.is_empty() { Ok(expander.warnings) } else { Err(Errors(expander.errors)) }
}

struct Expander<'a> {
    outside: &'a dyn Environment,
    path: Vec<String>,
    errors: Vec<Error>,
    warnings: Vec<String>,
}

impl Expander<'_> {
    fn node(&mut self, node: &mut Node, depth: usize) {
        match &mut node.value {
            Value::Map(map) => {
                for (key, child) in map {
                    self.path.push(key.clone());
                    self.node(child, depth);
                    self.path.pop();
                }
            }
            Value::List(items) => {
                for (index, child) in items.iter_mut().enumerate() {
                    self.path.push(index.to_string());
                    self.node(child, depth);
                    self.path.pop();
                }
            }
            Value::String(text) if text.contains('$') => {
                let text = std::mem::take(text);
                match self.string(&text, node, depth) {
                    Ok(expanded) => *node = expanded,
                    Err(message) => self.errors.push(Error { path: self.path.clone(), message }),
                }
            }
            _ => {}
        }
    }

    fn string(&mut self, text: &str, node: &Node, depth: usize) -> Result<Node, String> {
        if depth > MAX_DEPTH {
            return Err("too many recursive expansions".into());
        }
        let whole = text.strip_prefix("${").filter(|rest| closing(rest) == Some(rest.len() - 1));
        match whole {
            Some(rest) => self.whole(&rest[..rest.len() - 1], node, depth),
            None => {
                Ok(Node { value: Value::String(self.embedded(text, depth)?), raw: None, origin: node.origin.clone() })
            }
        }
    }

    /// A value that is one reference takes the type of what stands behind it.
    fn whole(&mut self, reference: &str, node: &Node, depth: usize) -> Result<Node, String> {
        let Some(text) = self.resolve(reference, depth)? else {
            return Ok(Node { value: Value::Null, raw: None, origin: node.origin.clone() });
        };
        let origin = Arc::from(format!("${{{reference}}}"));
        // Text that is no valid YAML is a plain string, and so is an empty one.
        let parsed = match parse(&text, &origin) {
            Ok(parsed) if !text.is_empty() => parsed,
            _ => Node::from_source(Value::String(text.clone()), &origin),
        };
        let mut expanded = parsed;
        let raw = if text.contains('$') { self.embedded(&text, depth + 1)? } else { text };
        self.node(&mut expanded, depth + 1);
        expanded.raw = Some(Arc::from(raw));
        Ok(expanded)
    }

    /// Text with references in it: each is replaced by the text behind it; `$$` becomes `$`.
    fn embedded(&mut self, text: &str, depth: usize) -> Result<String, String> {
        if depth > MAX_DEPTH {
            return Err("too many recursive expansions".into());
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let tail = &rest[at + 1..];
            if let Some(after) = tail.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some((reference, after)) = reference(tail) {
                if let Some(value) = self.resolve(reference, depth)? {
                    out.push_str(&self.embedded(&value, depth + 1)?);
                }
                rest = after;
            } else {
                out.push('$');
                rest = tail;
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The text behind the inside of `${...}`, whose own references are expanded first.
    fn resolve(&mut self, reference: &str, depth: usize) -> Result<Option<String>, String> {
        let inner = if reference.contains("${") { self.embedded(reference, depth + 1)? } else { reference.to_owned() };
        if inner.is_empty() {
            return Err("empty reference ${}".into());
        }
        let (scheme, opaque) = inner.split_once(':').unwrap_or(("env", &inner));
        if !is_scheme(scheme) {
            let error = SourceError::Scheme { scheme: scheme.into(), uri: format!("${{{inner}}}") };
            return Err(error.to_string());
        }
        let text = retrieve(scheme, opaque, &inner, self.outside).map_err(|e| e.to_string())?;
        if text.is_none() {
            self.warnings.push(format!("{}: variable {opaque} is not set", self.path.join("::")));
        }
        Ok(text)
    }
}

/// Splits `{inside}after` at the brace that closes it; an unclosed one is literal text.
fn reference(tail: &str) -> Option<(&str, &str)> {
    let rest = tail.strip_prefix('{')?;
    let end = closing(rest)?;
    Some((&rest[..end], &rest[end + 1..]))
}

/// Where the brace closes that was opened just before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}
