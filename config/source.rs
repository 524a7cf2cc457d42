//! Where texts come from: `file:`, `env:`, `yaml:`, `http:` and `https:`.

use std::sync::Arc;

use crate::error::Error;
use crate::node::{Map, Node, Origin, Value};
use crate::yaml::parse;

/// The schemes a `--config` value or a `${scheme:...}` may name.
const SCHEMES: &[&str] = &["env", "file", "http", "https", "yaml"];

/// What the configuration may see of the outside; a trait so that tests need not change the process.
pub trait Environment {
    /// The variable's value, if it is set.
    fn variable(&self, name: &str) -> Option<String>;
    /// The file's text.
    ///
    /// # Errors
    /// What the file system says.
    fn file(&self, path: &str) -> std::io::Result<String>;
    /// The text behind an `http:` or `https:` URL.
    ///
    /// # Errors
    /// Why there is none: no answer, or another status than 200.
    fn page(&self, url: &str) -> Result<String, String>;
}

/// Why a source gave no tree.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A scheme that kpulse does not have.
    #[error("unknown scheme {scheme:?} in {uri:?}; known are {known}{hint}", known = SCHEMES.join(", "), hint = hint(scheme))]
    Scheme {
        /// What stands before the colon.
        scheme: String,
        /// The whole reference.
        uri: String,
    },
    /// Not a name a variable can have.
    #[error("{name:?} is not a variable name: letters, digits and underscores, no digit first")]
    Name {
        /// As written.
        name: String,
    },
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// As written.
        path: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The page could not be had.
    #[error("cannot get {url}: {reason}")]
    Page {
        /// As written.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// `--set` without a value.
    #[error("--set {0}: missing equal sign; write --set key.sub=value")]
    Set(String),
    /// The text is not a usable document.
    #[error(transparent)]
    Text(#[from] Error),
    /// The text is valid YAML, but no map.
    #[error("{uri}: a configuration has to be a map, this is {kind}")]
    NotAMap {
        /// The source.
        uri: String,
        /// What was found.
        kind: &'static str,
    },
}

fn hint(scheme: &str) -> String {
    match scheme.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
        true => format!("; for a variable with a default write ${{env:{scheme}:-default}}"),
        false => String::new(),
    }
}

/// Loads one `--config` value as a tree.
///
/// # Errors
/// See [`SourceError`].
pub fn load(uri: &str, outside: &dyn Environment) -> Result<Node, SourceError> {
    let (scheme, opaque) = split(uri);
    let text = retrieve(scheme, opaque, uri, outside)?.unwrap_or_default();
    let node = match scheme {
        "yaml" => nested(&text, &Arc::from(uri))?,
        "file" => parse(&text, &Arc::from(opaque))?,
        _ => parse(&text, &Arc::from(uri))?,
    };
    match node.value {
        Value::Map(_) | Value::Null => Ok(node),
        other => Err(SourceError::NotAMap { uri: uri.into(), kind: other.kind() }),
    }
}

/// `--set key.sub=value` as a tree.
///
/// # Errors
/// A missing equal sign, or a value that is not YAML.
pub fn set_flag(flag: &str) -> Result<Node, SourceError> {
    let Some((key, value)) = flag.split_once('=') else {
        return Err(SourceError::Set(flag.into()));
    };
    let origin = Arc::from("--set");
    let leaf = parse(value, &origin)?;
    Ok(wrap(key.trim().rsplit('.'), leaf, &origin))
}

/// A path with no colon, or with a drive letter, is a file.
fn split(uri: &str) -> (&str, &str) {
    match uri.split_once(':') {
        Some((scheme, opaque)) if scheme.len() > 1 => (scheme, opaque),
        _ => ("file", uri),
    }
}

/// `processors::batch::timeout: 2s`: the double colons make levels.
fn nested(text: &str, origin: &Origin) -> Result<Node, Error> {
    let flat = parse(text, origin)?;
    let Value::Map(map) = flat.value else {
        return Ok(flat);
    };
    let mut tree = Node::from_source(Value::Map(Map::new()), origin);
    for (key, leaf) in map {
        crate::merge(&mut tree, wrap(key.rsplit("::"), leaf, origin));
    }
    Ok(tree)
}

/// One map per key around `leaf`; `inner_first` names the innermost key first.
fn wrap<'a>(inner_first: impl Iterator<Item = &'a str>, leaf: Node, origin: &Origin) -> Node {
    inner_first
        .fold(leaf, |inner, key| Node::from_source(Value::Map(Map::from_iter([(key.to_owned(), inner)])), origin))
}

/// The text behind `scheme:opaque`; `None` for a variable that is not set.
pub(crate) fn retrieve(
    scheme: &str,
    opaque: &str,
    uri: &str,
    outside: &dyn Environment,
) -> Result<Option<String>, SourceError> {
    match scheme {
        "env" => variable(opaque, outside),
        "yaml" => Ok(Some(opaque.to_owned())),
        "http" | "https" => {
            let url = format!("{scheme}:{opaque}");
            outside.page(&url).map(Some).map_err(|reason| SourceError::Page { url, reason })
        }
        "file" => {
            let text = outside.file(opaque).map_err(|source| SourceError::File { path: opaque.into(), source })?;
            Ok(Some(text))
        }
        _ => Err(SourceError::Scheme { scheme: scheme.into(), uri: uri.into() }),
    }
}

fn variable(opaque: &str, outside: &dyn Environment) -> Result<Option<String>, SourceError> {
    let (name, default) = match opaque.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (opaque, None),
    };
    let mut chars = name.chars();
    let starts_well = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(SourceError::Name { name: name.into() });
    }
    Ok(outside.variable(name).or_else(|| default.map(str::to_owned)))
}

/// Whether `scheme` is one a reference may name.
pub(crate) fn is_scheme(scheme: &str) -> bool {
    SCHEMES.contains(&scheme)
}
