//! Sources to settings.

mod page;

use config::{Environment, Errors, Node, SourceError, Value, expand, load, merge, set_flag};
use pipeline::Settings;

use crate::cli::Sources;
use crate::components::TABLES;

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line names no configuration.
    #[error("at least one config flag must be provided, e.g. --config pipeline.yaml")]
    NoSource,
    /// A source gave no tree.
    #[error("cannot read the configuration: {0}")]
    Source(#[from] SourceError),
    /// The tree is not a valid configuration.
    #[error("{0}")]
    Invalid(#[from] Errors),
}

/// The process's own variables and files, and the servers it reaches.
struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> std::io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn page(&self, url: &str) -> Result<String, String> {
        page::get(url)
    }
}

/// Settings, and what is worth a warning once logs are set up.
pub struct Loaded {
    pub settings: Settings,
    pub warnings: Vec<String>,
}

/// Loads, merges, expands and decodes, in this order.
pub fn read(sources: &Sources) -> Result<Loaded, Error> {
    if sources.config.is_empty() && sources.set.is_empty() {
        return Err(Error::NoSource);
    }
    let mut tree = Node::of(Value::Null);
    for uri in &sources.config {
        merge_source(&mut tree, load(uri, &Process)?);
    }
    for flag in &sources.set {
        merge_source(&mut tree, set_flag(flag)?);
    }
    let warnings = expand(&mut tree, &Process)?;
    Ok(Loaded { settings: Settings::decode(&tree, TABLES)?, warnings })
}

/// An empty source changes nothing.
fn merge_source(tree: &mut Node, source: Node) {
    match (tree.is_null(), source.is_null()) {
        (_, true) => {}
        (true, _) => *tree = source,
        _ => merge(tree, source),
    }
}
