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
//! four bytes, big-endian; with the feature gate `exporter.file.nativeCompression`, a compressed file is one that `zstd -d`
//! reads. A request larger than `max_megabytes` gets a file of its own.
//!
//! ```yaml
//! file/by_service:
//!   path: ./kpulse-data/*/telemetry.jsonl
//!   group_by: {enabled: true, resource_attribute: service.name}
//! ```
//!
//! With `group_by` the value of a resource's attribute stands for the `*`, below the prefix whatever it says, and missing
//! directories are made. A file that was closed for another goes on where it ended. Items whose resource has no such
//! attribute, or one that is not text, or that no file can be named after, are counted in `kpulse_exporter_dropped_items`.

mod groups;
mod message;
mod output;
mod place;
mod rotation;
#[cfg(test)]
mod tests;
mod writer;
mod zstd_frames;

use std::sync::Arc;
use std::time::Duration;

use config::{Decode, Decoder, Rules, Section};
use pipeline::component::{BuildContext, Exporter, ExporterConfig, ExporterFactory, Factory, Stability, decode};
use pipeline::{BuildError, Drops, Signal};

use groups::GroupBy;
use output::File;
use place::Place;
use rotation::Rotation;

/// Permissions of directories that are made, if nothing else is said.
const PERMISSIONS: u32 = 0o755;

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
        /// A file for each value of an attribute of resources.
        pub group_by: GroupBy = GroupBy::default(),
        /// No effect: kpulse has no extensions that encode.
        pub encoding: String = String::new(),
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
        if !self.encoding.is_empty() {
            decoder
                .at("encoding", |d| d.error("there are no extensions that encode; use format: json or format: proto"));
        }
        self.group_rules(decoder);
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
    fn group_rules(&self, decoder: &mut Decoder) {
        if !self.group_by.enabled {
            return;
        }
        if let Err(fault) = Place::new(&self.path) {
            decoder.at("path", |d| d.error(fault));
        }
        decoder.at("group_by", |decoder| {
            if self.group_by.resource_attribute.is_empty() {
                decoder.at("resource_attribute", |d| d.error("must be set"));
            }
            if self.group_by.max_open_files == 0 {
                decoder.at("max_open_files", |d| d.error("must be at least 1"));
            }
        });
    }

    fn permissions(&self) -> Option<u32> {
        if self.directory_permissions.is_empty() {
            return Some(PERMISSIONS);
        }
        u32::from_str_radix(&self.directory_permissions, 8).ok().filter(|bits| *bits <= 0o777)
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
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        Ok(Arc::new(File::new(self.clone(), &Drops::of_exporter(&cx))))
    }
}
