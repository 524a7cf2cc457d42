//! Where lines go.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write, stderr, stdout};

use pipeline::StartError;

/// One place where lines go.
#[derive(Debug)]
enum Output {
    Stderr,
    Stdout,
    File(File),
}

/// All of them.
#[derive(Debug)]
pub struct Outputs(Vec<Output>);

impl Outputs {
    /// Opens `stderr`, `stdout`, paths and `file:` URLs. Files are appended to.
    pub fn open(paths: &[String]) -> std::result::Result<Self, StartError> {
        let open = |path: &String| {
            Ok(match path.as_str() {
                "stderr" => Output::Stderr,
                "stdout" => Output::Stdout,
                path => {
                    let plain = path.strip_prefix("file://").unwrap_or(path);
                    let file = OpenOptions::new().append(true).create(true).open(plain);
                    Output::File(file.map_err(|e| StartError(format!("cannot open log output {path:?}: {e}")))?)
                }
            })
        };
        paths.iter().map(open).collect::<std::result::Result<_, _>>().map(Self)
    }

    /// Writes the line to each; a failure of one does not spare the others.
    pub fn write(&self, line: &[u8]) -> Result<()> {
        let write = |output: &Output| match output {
            Output::Stderr => stderr().lock().write_all(line),
            Output::Stdout => {
                let mut stdout = stdout().lock();
                stdout.write_all(line)?;
                stdout.flush()
            }
            Output::File(file) => (&*file).write_all(line),
        };
        let mut all = Ok(());
        for output in &self.0 {
            all = write(output).and(all);
        }
        all
    }
}
