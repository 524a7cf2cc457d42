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
        /// What RFC 1950 calls zlib and HTTP deflate.
        Zlib = "zlib",
        /// The same.
        Deflate = "deflate",
        /// Very cheap; one block over HTTP, framed over gRPC.
        Snappy = "snappy",
        /// Very cheap, framed.
        SnappyFramed = "x-snappy-framed",
        /// Very cheap.
        Lz4 = "lz4",
        /// Not at all.
        None = "none",
        /// Not at all.
        Empty = "",
    }
}

/// The fastest level of those that have levels: telemetry repeats itself so much that higher levels cost far more CPU than they save.
const LEVEL: u32 = 1;

impl Compression {
    /// The word in `content-encoding` and `grpc-encoding`; none when nothing is compressed.
    pub fn encoding(self) -> Option<&'static str> {
        match self {
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Zlib => Some("zlib"),
            Self::Deflate => Some("deflate"),
            Self::Snappy => Some("snappy"),
            Self::SnappyFramed => Some("x-snappy-framed"),
            Self::Lz4 => Some("lz4"),
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
            Self::Zlib | Self::Deflate => {
                let out = Vec::with_capacity(body.len() / 4);
                let mut encoder = flate2::write::ZlibEncoder::new(out, flate2::Compression::new(LEVEL));
                encoder.write_all(&body)?;
                Ok(encoder.finish()?.into())
            }
            Self::Snappy => Ok(snap::raw::Encoder::new().compress_vec(&body)?.into()),
            Self::SnappyFramed => {
                let mut encoder = snap::write::FrameEncoder::new(Vec::with_capacity(body.len() / 2));
                encoder.write_all(&body)?;
                Ok(encoder.into_inner().map_err(|error| io::Error::other(error.to_string()))?.into())
            }
            Self::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::with_capacity(body.len() / 2));
                encoder.write_all(&body)?;
                Ok(encoder.finish().map_err(io::Error::other)?.into())
            }
            Self::None | Self::Empty => Ok(body),
        }
    }

    /// How a body is compressed that gRPC calls this; none when gRPC has no such word.
    pub fn over_grpc(self) -> Option<Self> {
        match self {
            Self::Snappy => Some(Self::SnappyFramed),
            Self::Gzip | Self::Zstd | Self::None | Self::Empty => Some(self),
            Self::Zlib | Self::Deflate | Self::SnappyFramed | Self::Lz4 => None,
        }
    }
}
