//! What was sampled, as files that people open: flame graph, pprof, folded stacks.

mod folded;
mod output;
mod pprof;
mod svg;
mod tally;
#[cfg(test)]
mod tests;

pub use output::Output;
pub use pprof::heap::{Block, Heap};
pub use tally::{Recording, Tally};

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A flame graph to look at in a browser.
    Svg,
    /// What `go tool pprof` and most profile viewers read.
    Pprof,
    /// One line per stack: names joined by semicolons, and a count.
    Folded,
}

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
