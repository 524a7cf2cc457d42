//! How bodies are compressed.

use std::io::{self, Write};

use bytes::Bytes;

config::words! {
    /// How request bodies are compressed.
    pub enum Compression: "compression" {
        /// What every OTLP server reads.
        Gzip = "gzip",
        /// Smaller and cheaper, where the server reads it.
        Zstd = "zstd",
        /// Not at all.
        None = "none",
        /// Not at all.
        Empty = "",
    }
}

/// The fastest level of both: telemetry repeats itself so much that higher levels cost far more CPU than they save.
const LEVEL: u32 = 1;

impl Compression {
    /// The word in `content-encoding` and `grpc-encoding`; none when nothing is compressed.
    pub fn encoding(self) -> Option<&'static str> {
        match self {
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::None | Self::Empty => None,
        }
    }

    /// Compresses a whole body.
    ///
    /// # Errors
    /// What the compressor says.
    pub fn compress(self, body: Bytes) -> io::Result<Bytes> {
        match self {
            Self::Gzip => {
                let out = Vec::with_capacity(body.len() / 4);
                let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(LEVEL));
                encoder.write_all(&body)?;
                Ok(encoder.finish()?.into())
            }
            Self::Zstd => Ok(zstd::bulk::compress(&body, LEVEL as i32)?.into()),
            Self::None | Self::Empty => Ok(body),
        }
    }
}
