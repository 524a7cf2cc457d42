//! Where lines go: to kpulse's own log, or to standard output and files of their own.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::OnceLock;

use pipeline::{Rejected, StartError};

use super::terminal::Terminal;

/// The outputs of one exporter.
#[derive(Debug)]
pub enum Output {
    /// Own log lines of level info.
    Log {
        /// The exporter, as the log names it.
        id: String,
    },
    /// `stdout`, `stderr`, or a file that is appended to.
    Paths(Paths),
}

/// Places that are opened at the start.
#[derive(Debug)]
pub struct Paths {
    paths: Vec<String>,
    opened: OnceLock<Vec<Terminal>>,
}

impl Output {
    /// Places of their own.
    pub fn to(paths: Vec<String>) -> Self {
        Self::Paths(Paths { paths, opened: OnceLock::new() })
    }

    /// Opens what has to be opened.
    pub fn open(&self) -> Result<(), StartError> {
        let Self::Paths(Paths { paths, opened }) = self else { return Ok(()) };
        let open = |path: &String| {
            let failed = |e: std::io::Error| StartError(format!("cannot write to {path}: {e}"));
            Terminal::start(path, writer(path).map_err(failed)?).map_err(failed)
        };
        let terminals = paths.iter().map(open).collect::<Result<_, _>>()?;
        opened.set(terminals).map_err(|_| StartError("started twice".into()))
    }

    /// Shows lines, each without the end of the line.
    pub async fn show(&self, lines: &[String]) -> Result<(), Rejected> {
        match self {
            Self::Log { id } => {
                let say = |line: &String| {
                    tracing::info!(otelcol.component.id = %id, otelcol.component.kind = "exporter", "{line}");
                };
                lines.iter().for_each(say);
                Ok(())
            }
            Self::Paths(Paths { opened, .. }) => {
                let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
                let terminals = opened.get().ok_or_else(|| Rejected::closed("not started"))?;
                let mut answer = Ok(());
                for terminal in terminals {
                    answer = answer.and(terminal.send(text.clone()).await);
                }
                answer
            }
        }
    }

    /// Waits, but not for long, until everything is written.
    pub async fn finish(&self) {
        let Self::Paths(Paths { opened, .. }) = self else { return };
        for terminal in opened.get().into_iter().flatten() {
            terminal.finish().await;
        }
    }
}

fn writer(path: &str) -> std::io::Result<Box<dyn Write + Send>> {
    match path {
        "stdout" => Ok(Box::new(std::io::stdout())),
        "stderr" => Ok(Box::new(std::io::stderr())),
        path => {
            let file = path.strip_prefix("file://").unwrap_or(path);
            Ok(Box::new(OpenOptions::new().append(true).create(true).open(file)?))
        }
    }
}
