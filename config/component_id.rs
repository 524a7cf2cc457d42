//! `type[/name]`, the way components and pipelines are named.

use std::fmt;
use std::str::FromStr;

/// The longest name part the Collector takes, in bytes.
const MAX_NAME: usize = 1024;
/// The longest type part, in bytes.
const MAX_TYPE: usize = 63;

/// An id such as `otlp` or `otlp/internal`, as the user wrote it (aliases included).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentId {
    kind: String,
    name: Option<String>,
}

impl ComponentId {
    /// The part before the slash: which factory makes it.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The part after the slash, if any.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl FromStr for ComponentId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (kind.trim(), Some(name.trim())),
            None => (text.trim(), None),
        };
        check_type(text, kind)?;
        if let Some(name) = name {
            check_name(text, name)?;
        }
        Ok(Self { kind: kind.to_owned(), name: name.map(str::to_owned) })
    }
}

fn check_type(id: &str, kind: &str) -> Result<(), String> {
    let mut chars = kind.chars();
    let Some(first) = chars.next() else {
        return Err(format!("in {id:?}: the part before / should not be empty"));
    };
    let rest_is_word = chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !first.is_ascii_alphabetic() || !rest_is_word || kind.len() > MAX_TYPE {
        return Err(format!("invalid type {kind:?}: a letter, then at most 62 letters, digits and underscores"));
    }
    Ok(())
}

fn check_name(id: &str, name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("in {id:?}: the part after / should not be empty"));
    }
    if name.len() > MAX_NAME {
        return Err(format!("name of {} bytes is longer than {MAX_NAME}", name.len()));
    }
    let bad = |c: char| c.is_whitespace() || c.is_control() || "$+<=>^`|~".contains(c);
    match name.chars().find(|c| bad(*c)) {
        Some(c) => Err(format!("invalid character {c:?} in name {name:?}")),
        None => Ok(()),
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{name}", self.kind),
            None => f.write_str(&self.kind),
        }
    }
}
