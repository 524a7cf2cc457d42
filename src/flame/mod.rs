//! What was sampled, as files that people open: flame graph, pprof, folded stacks.

mod folded;
mod pprof;
mod svg;
mod tally;

pub use tally::{Recording, Tally};

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// The kinds of files, told by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A flame graph to look at in a browser.
    Svg,
    /// What `go tool pprof` and most profile viewers read.
    Pprof,
    /// One line per stack: names joined by semicolons, and a count.
    Folded,
}

/// A name that tells none of the kinds.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} ends in none of .svg (flame graph), .pb.gz (pprof), .folded (lines of text)")]
pub struct UnknownKind(String);

/// Why a file could not be made of samples.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The flame graph could not be drawn.
    #[error("cannot draw the flame graph: {0}")]
    Draw(std::io::Error),
    /// The compressor gave up.
    #[error("cannot compress: {0}")]
    Compress(std::io::Error),
}

/// Where samples go.
#[derive(Clone, Debug)]
pub struct Output {
    /// The file.
    pub path: std::path::PathBuf,
    /// What is written into it.
    pub kind: Kind,
}

impl FromStr for Output {
    type Err = UnknownKind;

    fn from_str(path: &str) -> Result<Self, UnknownKind> {
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let kinds = [(".svg", Kind::Svg), (".pb.gz", Kind::Pprof), (".pprof", Kind::Pprof), (".folded", Kind::Folded)];
        let kind = kinds.into_iter().find(|(ending, _)| name.ends_with(ending) && name.len() > ending.len());
        let (_, kind) = kind.ok_or_else(|| UnknownKind(path.to_owned()))?;
        Ok(Self { path: path.into(), kind })
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Kind {
    /// The content of the file.
    ///
    /// # Errors
    /// What drawing or compressing came upon.
    pub fn render(self, tally: &Tally, recording: &Recording) -> Result<Vec<u8>, RenderError> {
        match self {
            Self::Svg => svg::render(tally, recording).map_err(RenderError::Draw),
            Self::Pprof => pprof::render(tally, recording).map_err(RenderError::Compress),
            Self::Folded => Ok(folded::render(tally).into_bytes()),
        }
    }
}
