//! How much memory a cgroup may use, and uses.

use std::path::{Path, PathBuf};

use crate::accounting::{NO_LIMIT, number};

/// The cgroup whose limit holds for another one below it, or for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// Its path below the root of its hierarchy.
    pub path: String,
    /// Bytes that it may use.
    pub limit: u64,
    /// Bytes that it uses now.
    pub usage: u64,
}

/// Names of the files in the two kinds of hierarchies.
pub(crate) struct Files {
    limit: &'static str,
    usage: &'static str,
}

pub(crate) const UNIFIED: Files = Files { limit: "memory.max", usage: "memory.current" };
pub(crate) const V1: Files = Files { limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes" };

impl MemoryLimit {
    /// The nearest limit, from `path` upwards.
    pub(crate) fn nearest(root: &Path, path: &str, files: &Files) -> Option<Self> {
        let below = Path::new(path.trim_start_matches('/'));
        below.ancestors().find_map(|part| Self::of(root.join(part), files, format!("/{}", part.display())))
    }

    fn of(folder: PathBuf, files: &Files, path: String) -> Option<Self> {
        let limit = number(&folder, files.limit).filter(|limit| *limit < NO_LIMIT)?;
        Some(Self { path, limit, usage: number(&folder, files.usage)? })
    }
}
