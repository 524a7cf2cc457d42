//! A batch as it stands in a file.

use config::gates;
use pipeline::{Batch, Rejected};

use super::{Config, Format};

/// How messages stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One a line.
    Lines,
    /// Each behind its length in four bytes, big-endian.
    Lengths,
    /// Each a frame of zstd, one behind the other: what is in the frames is lines or lengths.
    Streams,
}

impl Config {
    /// How messages stand in the file, by format, compression and the gate [`gates::NATIVE_COMPRESSION`].
    pub(super) fn framing(&self) -> Framing {
        match (self.compression.is_empty(), self.format) {
            (true, Format::Json) => Framing::Lines,
            (false, _) if gates::NATIVE_COMPRESSION.is_on() => Framing::Streams,
            _ => Framing::Lengths,
        }
    }

    /// A batch with its frame.
    pub(super) fn message(&self, batch: &Batch, framing: Framing) -> Result<Vec<u8>, Rejected> {
        let mut content = match self.format {
            Format::Proto => batch.encode().to_vec(),
            Format::Json => {
                let mut line = Vec::new();
                batch.write_json(&mut line).map_err(|e| Rejected::permanent(e.to_string()))?;
                line
            }
        };
        match (framing, self.format) {
            (Framing::Lines, _) => content.push(b'\n'),
            (Framing::Lengths, _) => {
                content = self.compressed(content)?;
                put_length(&mut content)?;
            }
            (Framing::Streams, Format::Json) => {
                content.push(b'\n');
                content = self.compressed(content)?;
            }
            (Framing::Streams, Format::Proto) => {
                put_length(&mut content)?;
                content = self.compressed(content)?;
            }
        }
        Ok(content)
    }

    fn compressed(&self, content: Vec<u8>) -> Result<Vec<u8>, Rejected> {
        if self.compression.is_empty() {
            return Ok(content);
        }
        let compressed = zstd::bulk::compress(&content, self.compression_params.level);
        compressed.map_err(|e| Rejected::permanent(format!("cannot compress: {e}")))
    }
}

fn put_length(content: &mut Vec<u8>) -> Result<(), Rejected> {
    let length = u32::try_from(content.len()).map_err(|_| Rejected::permanent("more than 4 GiB in one request"))?;
    content.splice(0..0, length.to_be_bytes());
    Ok(())
}
