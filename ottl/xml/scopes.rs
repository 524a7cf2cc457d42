//! Which prefix stands for which namespace at a place of a text.

use std::collections::HashMap;
use std::sync::Arc;

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Prefixes with their URLs. Looking one up takes no longer when many were declared, and all elements share a URL.
#[derive(Debug)]
pub struct Scopes {
    /// The one that was declared last is last.
    urls: HashMap<String, Vec<Arc<str>>>,
    /// What was declared, and how deep.
    declared: Vec<(String, usize)>,
}

impl Default for Scopes {
    fn default() -> Self {
        Self { urls: HashMap::from([("xml".to_owned(), vec![XML.into()])]), declared: Vec::new() }
    }
}

impl Scopes {
    /// From here on, and in all that lies in the element at this depth, the prefix stands for the URL.
    pub fn declare(&mut self, prefix: &str, url: &str, depth: usize) {
        self.urls.entry(prefix.to_owned()).or_default().push(url.into());
        self.declared.push((prefix.to_owned(), depth));
    }

    /// The URL of a prefix.
    pub fn url(&self, prefix: &str) -> Option<Arc<str>> {
        self.urls.get(prefix)?.last().cloned()
    }

    /// What was declared deeper than this is forgotten.
    pub fn leave(&mut self, depth: usize) {
        while let Some((prefix, _)) = self.declared.pop_if(|(_, declared)| *declared > depth) {
            self.urls.get_mut(&prefix).and_then(Vec::pop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scopes;

    #[test]
    fn the_innermost_declaration_counts_until_its_element_ends() {
        let mut scopes = Scopes::default();
        scopes.declare("p", "outer", 1);
        scopes.declare("p", "inner", 2);
        assert_eq!(scopes.url("p").as_deref(), Some("inner"));
        scopes.leave(1);
        assert_eq!(scopes.url("p").as_deref(), Some("outer"));
        scopes.leave(0);
        assert_eq!(scopes.url("p"), None);
        assert!(scopes.url("xml").is_some());
    }
}
