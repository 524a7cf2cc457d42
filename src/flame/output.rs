//! Where a recording goes, and as what.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Kind;

/// Endings of file names. `.pprof` is what `go tool pprof` calls the files that it keeps.
const ENDINGS: [(&str, Kind); 4] =
    [(".svg", Kind::Svg), (".pb.gz", Kind::Pprof), (".pprof", Kind::Pprof), (".folded", Kind::Folded)];

/// A file of a kind.
#[derive(Clone, Debug)]
pub struct Output {
    target: Target,
    /// What is written into it.
    pub kind: Kind,
}

#[derive(Clone, Debug)]
enum Target {
    File(PathBuf),
    StandardOutput,
}

/// A name that tells none of the kinds.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} ends in none of .svg (flame graph), .pb.gz (pprof), .folded (lines of text)")]
pub struct UnknownKind(String);

impl FromStr for Output {
    type Err = UnknownKind;

    fn from_str(path: &str) -> Result<Self, UnknownKind> {
        if path == "-" {
            return Ok(Self { target: Target::StandardOutput, kind: Kind::Folded });
        }
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let found = ENDINGS.into_iter().find(|(ending, _)| name.ends_with(ending) && name.len() > ending.len());
        let (_, kind) = found.ok_or_else(|| UnknownKind(path.to_owned()))?;
        Ok(Self { target: Target::File(path.into()), kind })
    }
}

impl Output {
    /// Whether it could be written now; changes nothing.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> std::io::Result<()> {
        let Target::File(path) = &self.target else {
            return Ok(());
        };
        let is_new = !path.exists();
        OpenOptions::new().append(true).create(true).open(path)?;
        if is_new {
            // Nobody should take an empty file for an empty profile.
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// What the file system or the reader of a pipe has against it.
    pub fn write(&self, content: &[u8]) -> std::io::Result<()> {
        match &self.target {
            Target::File(path) => std::fs::write(path, content),
            Target::StandardOutput => std::io::stdout().write_all(content),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::File(path) => path.display().fmt(f),
            Target::StandardOutput => "standard output".fmt(f),
        }
    }
}
