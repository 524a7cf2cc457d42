//! OTLP in a file: one request per line of JSON, or framed.
//!
//! ```yaml
//! file:
//!   path: ./kpulse-data/telemetry.jsonl
//!   create_directory: true
//!   rotation: {max_megabytes: 10, max_backups: 3}
//! ```
//!
//! Without `append` the file is truncated at start, as in the Collector; with `rotation` it goes on where it ended. A
//! request is acknowledged when all of it was handed to the operating system; one that could be written only in part is
//! taken back. `format: proto` and `compression: zstd` write each request, compressed on its own, behind its length in
//! four bytes, big-endian. A request larger than `max_megabytes` gets a file of its own.

mod rotation;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, Section};
use pipeline::component::{BuildContext, Exporter, ExporterConfig, ExporterFactory, Factory, Stability, decode};
use pipeline::{Batch, BuildError, Rejected, Signal, StartError, Tasks};

use rotation::Rotation;
use writer::{Framing, Writer, make_directory};

config::settings! {
    /// A file of OTLP.
    pub struct Config {
        /// The file.
        pub path: String = String::new(),
        /// Whether to add to what is there instead of starting anew.
        pub append: bool = false,
        /// What is written: json or proto.
        pub format: Format = Format::Json,
        /// Nothing, or zstd.
        pub compression: String = String::new(),
        /// How well it is compressed.
        pub compression_params: CompressionParams = CompressionParams::default(),
        /// No effect: every request is handed to the operating system at once.
        pub flush_interval: Duration = Duration::from_secs(1),
        /// When a new file is begun; never, unless this is set.
        pub rotation: Section<Rotation> = Section::on_when_named(),
        /// Whether to make the file's directory if it is missing.
        pub create_directory: bool = false,
        /// Permissions of directories that are made, in octal; empty is 0755.
        pub directory_permissions: String = String::new(),
    }
}

config::words! {
    /// What is written.
    pub enum Format: "format" {
        /// OTLP/JSON.
        Json = "json",
        /// OTLP on the wire.
        Proto = "proto",
    }
}

config::settings! {
    /// How well it is compressed.
    pub struct CompressionParams {
        /// From 1, fastest, to 22, smallest; 0 is the default, 3.
        pub level: i32 = 0,
    }
}

impl Rules for CompressionParams {
    fn rules(&self, decoder: &mut Decoder) {
        if !(0..=22).contains(&self.level) {
            decoder.at("level", |d| d.error("must be 0 to 22"));
        }
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.path.is_empty() {
            decoder.at("path", |d| d.error("must be set"));
        }
        if !matches!(self.compression.as_str(), "" | "zstd") {
            decoder.at("compression", |d| {
                d.error(format!("unknown compression {:?}; known here: zstd", self.compression))
            });
        }
        if self.append && self.rotation.get().is_some() {
            decoder.at("append", |d| d.error("cannot be used with rotation, which always appends"));
        }
        if !self.directory_permissions.is_empty() {
            decoder.at("directory_permissions", |decoder| {
                if !self.create_directory {
                    decoder.error("needs create_directory: true");
                }
                if self.permissions().is_none() {
                    decoder.error("must be octal digits from 0 to 0777");
                }
            });
        }
    }
}

impl Config {
    fn permissions(&self) -> Option<u32> {
        let text = if self.directory_permissions.is_empty() { "0755" } else { &self.directory_permissions };
        u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o777)
    }

    fn framing(&self) -> Framing {
        let lines = self.format == Format::Json && self.compression.is_empty();
        if lines { Framing::Lines } else { Framing::Lengths }
    }

    /// A batch as it stands in the file.
    fn message(&self, batch: &Batch) -> Result<Vec<u8>, Rejected> {
        let mut content = match self.format {
            Format::Proto => batch.encode().to_vec(),
            Format::Json => {
                let mut line = Vec::new();
                batch.write_json(&mut line).map_err(|e| Rejected::permanent(e.to_string()))?;
                line
            }
        };
        if self.framing() == Framing::Lines {
            content.push(b'\n');
            return Ok(content);
        }
        if !self.compression.is_empty() {
            content = zstd::bulk::compress(&content, self.compression_params.level)
                .map_err(|e| Rejected::permanent(format!("cannot compress: {e}")))?;
        }
        let length = u32::try_from(content.len()).map_err(|_| Rejected::permanent("more than 4 GiB in one request"))?;
        content.splice(0..0, length.to_be_bytes());
        Ok(content)
    }
}

/// Its row in the exporters' table.
pub static FACTORY: ExporterFactory = Factory {
    name: "file",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "path: ./kpulse-data/telemetry.jsonl\ncreate_directory: true\nrotation: {max_megabytes: 10, max_backups: 3}\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExporterConfig for Config {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        Ok(Arc::new(File { config: Arc::new(self.clone()), writer: Arc::new(Mutex::new(None)) }))
    }
}

struct File {
    config: Arc<Config>,
    writer: Arc<Mutex<Option<Writer>>>,
}

#[async_trait]
impl Exporter for File {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        let path = PathBuf::from(&self.config.path);
        let failed = |e: std::io::Error| StartError(format!("{}: {e}", path.display()));
        if self.config.create_directory {
            make_directory(&path, self.config.permissions().unwrap_or(0o755)).map_err(failed)?;
        }
        let rotation = self.config.rotation.get().cloned();
        let writer = Writer::open(&path, self.config.framing(), self.config.append, rotation).map_err(failed)?;
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(())
    }

    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        let (config, writer) = (self.config.clone(), self.writer.clone());
        // Disks can be slow, and the pipeline must not wait with them.
        let written = tokio::task::spawn_blocking(move || {
            let message = config.message(&batch)?;
            match writer.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                Some(writer) => writer.write(&message).map_err(|e| Rejected::retryable(format!("cannot write: {e}"))),
                None => Err(Rejected::closed("the file is not open")),
            }
        });
        written.await.unwrap_or_else(|e| Err(Rejected::permanent(e.to_string())))
    }
}
