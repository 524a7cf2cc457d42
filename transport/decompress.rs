//! Bodies that come in compressed.

use std::io::{self, Read};

use bytes::Bytes;

config::words! {
    /// How a body may be compressed, as `content-encoding` and `grpc-encoding` say it.
    pub enum ContentEncoding: "compression algorithm" {
        /// Not at all.
        Identity = "",
        /// gzip.
        Gzip = "gzip",
        /// Zstandard.
        Zstd = "zstd",
        /// zlib.
        Zlib = "zlib",
        /// Snappy, in blocks or framed.
        Snappy = "snappy",
        /// zlib, in spite of its name.
        Deflate = "deflate",
        /// LZ4, framed.
        Lz4 = "lz4",
        /// Snappy, framed.
        SnappyFramed = "x-snappy-framed",
    }
}

#[allow(clippy::derivable_impls, reason = "words! derives for words without a default too")]
impl Default for ContentEncoding {
    fn default() -> Self {
        Self::Identity
    }
}

/// What cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum DecompressError {
    /// More than is allowed comes out of it.
    #[error("the uncompressed body has more than {0} bytes")]
    TooLong(usize),
    /// It is not what it says it is.
    #[error("cannot uncompress the body: {0}")]
    Damaged(#[from] io::Error),
}

/// How framed Snappy begins.
const SNAPPY_MAGIC: &[u8] = b"\xff\x06\x00\x00sNaPpY";
/// Zstandard asks for a window in advance; smaller ones than this are always granted.
const ZSTD_WINDOW_LOG: u32 = 23;
/// Memory is taken for as much as comes out, not for as much as is allowed.
const FIRST_GUESS: usize = 64 * 1024;

impl ContentEncoding {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Identity,
        Self::Gzip,
        Self::Zstd,
        Self::Zlib,
        Self::Snappy,
        Self::Deflate,
        Self::Lz4,
        Self::SnappyFramed,
    ];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "" | "identity" => Some(Self::Identity),
            "gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "zlib" => Some(Self::Zlib),
            "snappy" => Some(Self::Snappy),
            "deflate" => Some(Self::Deflate),
            "lz4" => Some(Self::Lz4),
            "x-snappy-framed" => Some(Self::SnappyFramed),
            _ => None,
        }
    }

    /// Unpacks a whole body, up to `bytes_at_most`.
    ///
    /// # Errors
    /// Damage, or a longer body.
    pub fn decompress(self, body: &Bytes, bytes_at_most: usize) -> Result<Bytes, DecompressError> {
        match self {
            Self::Identity if body.len() > bytes_at_most => Err(DecompressError::TooLong(bytes_at_most)),
            Self::Identity => Ok(body.clone()),
            Self::Gzip => read(flate2::read::MultiGzDecoder::new(&body[..]), bytes_at_most),
            Self::Zlib | Self::Deflate => read(flate2::read::ZlibDecoder::new(&body[..]), bytes_at_most),
            Self::Zstd => read(zstd_reader(body, bytes_at_most)?, bytes_at_most),
            Self::Lz4 => read(lz4_flex::frame::FrameDecoder::new(whole_lz4(body)?), bytes_at_most),
            Self::Snappy if !body.starts_with(SNAPPY_MAGIC) => snappy_block(body, bytes_at_most),
            Self::Snappy | Self::SnappyFramed => read(snap::read::FrameDecoder::new(&body[..]), bytes_at_most),
        }
    }
}

fn read(mut unpacked: impl Read, bytes_at_most: usize) -> Result<Bytes, DecompressError> {
    let mut out = Vec::with_capacity(FIRST_GUESS.min(bytes_at_most));
    unpacked.by_ref().take(bytes_at_most as u64 + 1).read_to_end(&mut out)?;
    if out.len() > bytes_at_most { Err(DecompressError::TooLong(bytes_at_most)) } else { Ok(out.into()) }
}

/// The decoder takes the end of the bytes for the end of the frame. A frame has a mark there, four zeros, before its
/// checksum if there is one (the third bit of the byte behind the magic number).
fn whole_lz4(body: &[u8]) -> io::Result<&[u8]> {
    let has_checksum = body.get(4).is_some_and(|flags| flags & 4 != 0);
    let checksum = if has_checksum { 4 } else { 0 };
    let mark = body.len().checked_sub(checksum).and_then(|end| body.get(end.checked_sub(4)?..end));
    match mark {
        Some([0, 0, 0, 0]) => Ok(body),
        _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the LZ4 frame has no end")),
    }
}

/// A frame whose window is much larger than what may come out of it is a bomb.
fn zstd_reader(body: &[u8], bytes_at_most: usize) -> io::Result<impl Read> {
    let mut reader = zstd::stream::read::Decoder::new(body)?;
    let needed = bytes_at_most.max(1).next_power_of_two().ilog2();
    reader.window_log_max(needed.clamp(ZSTD_WINDOW_LOG, 31))?;
    Ok(reader)
}

/// A block begins with the length of what comes out of it.
fn snappy_block(body: &[u8], bytes_at_most: usize) -> Result<Bytes, DecompressError> {
    let length = snap::raw::decompress_len(body).map_err(io::Error::from)?;
    if length > bytes_at_most {
        return Err(DecompressError::TooLong(bytes_at_most));
    }
    Ok(snap::raw::Decoder::new().decompress_vec(body).map_err(io::Error::from)?.into())
}
