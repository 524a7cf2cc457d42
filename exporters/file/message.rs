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

    /// A batch with its frame, in the place of what is in `message`.
    pub(super) fn frame(&self, batch: &Batch, framing: Framing, message: &mut Vec<u8>) -> Result<(), Rejected> {
        message.clear();
        match self.format {
            Format::Proto => message.extend_from_slice(&batch.encode()),
            Format::Json => batch.write_json(message).map_err(|e| Rejected::permanent(e.to_string()))?,
        }
        match (framing, self.format) {
            (Framing::Lines, _) => message.push(b'\n'),
            (Framing::Lengths, _) => {
                self.compress(message)?;
                put_length(message)?;
            }
            (Framing::Streams, Format::Json) => {
                message.push(b'\n');
                self.compress(message)?;
            }
            (Framing::Streams, Format::Proto) => {
                put_length(message)?;
                self.compress(message)?;
            }
        }
        Ok(())
    }

    fn compress(&self, message: &mut Vec<u8>) -> Result<(), Rejected> {
        if !self.compression.is_empty() {
            let compressed = zstd::bulk::compress(message, self.compression_params.level);
            *message = compressed.map_err(|e| Rejected::permanent(format!("cannot compress: {e}")))?;
        }
        Ok(())
    }
}

fn put_length(content: &mut Vec<u8>) -> Result<(), Rejected> {
    let length = u32::try_from(content.len()).map_err(|_| Rejected::permanent("more than 4 GiB in one request"))?;
    content.splice(0..0, length.to_be_bytes());
    Ok(())
}
