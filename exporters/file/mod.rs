//! OTLP/JSON lines in a file: one request per line.
//!
//! ```yaml
//! file:
//!   path: ./kpulse-data/telemetry.jsonl
//!   create_directory: true
//! ```
//!
//! Without `append` the file is truncated at start, as in the Collector. A request is acknowledged when its whole line
//! was handed to the operating system; a line that could be written only in part is taken back.

#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use config::{Decode, Decoder, Rules};
use pipeline::component::{BuildContext, Exporter, ExporterConfig, ExporterFactory, Factory, Stability, decode};
use pipeline::{Batch, BuildError, Rejected, Signal, StartError, Tasks};

use writer::Writer;

config::settings! {
    /// A file of OTLP/JSON lines.
    pub struct Config {
        /// The file.
        pub path: String = String::new(),
        /// Whether to add to what is there instead of starting anew.
        pub append: bool = false,
        /// Whether to make the file's directory if it is missing.
        pub create_directory: bool = false,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.path.is_empty() {
            decoder.at("path", |d| d.error("must be set"));
        }
    }
}

/// Its row in the exporters' table.
pub static FACTORY: ExporterFactory = Factory {
    name: "file",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "path: ./kpulse-data/telemetry.jsonl\ncreate_directory: true\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExporterConfig for Config {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        Ok(Arc::new(File { config: self.clone(), writer: Arc::new(Mutex::new(None)) }))
    }
}

struct File {
    config: Config,
    writer: Arc<Mutex<Option<Writer>>>,
}

#[async_trait]
impl Exporter for File {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        let path = PathBuf::from(&self.config.path);
        let writer = Writer::open(&path, self.config.append, self.config.create_directory)
            .map_err(|e| StartError(format!("{}: {e}", path.display())))?;
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(())
    }

    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        let writer = self.writer.clone();
        // Disks can be slow, and the pipeline must not wait with them.
        let written = tokio::task::spawn_blocking(move || {
            let mut line = Vec::new();
            batch.write_json(&mut line).map_err(|e| Rejected::permanent(e.to_string()))?;
            line.push(b'\n');
            match writer.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                Some(writer) => writer.write(&line).map_err(|e| Rejected::retryable(format!("cannot write: {e}"))),
                None => Err(Rejected::closed("the file is not open")),
            }
        });
        written.await.unwrap_or_else(|e| Err(Rejected::permanent(e.to_string())))
    }
}
