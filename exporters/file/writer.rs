//! Whole messages or nothing.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::message::Framing;
use super::rotation::{self, Rotation};
use super::zstd_frames;

/// An open file whose end is always the end of a message.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: File,
    length: u64,
    rotation: Option<Rotation>,
}

/// Makes the directory of `path`.
pub fn make_directory(path: &Path, permissions: u32) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) => DirBuilder::new().recursive(true).mode(permissions).create(parent),
        None => Ok(()),
    }
}

impl Writer {
    /// Opens or makes the file. What an earlier run left half written does not spoil the next message: a torn line is
    /// closed, a torn frame is cut off. A rotated file goes on where it ended.
    pub fn open(path: &Path, framing: Framing, append: bool, rotation: Option<Rotation>) -> std::io::Result<Self> {
        let append = append || rotation.is_some();
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(!append).open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let mut writer = Self { path: path.to_owned(), file, length, rotation };
        match framing {
            Framing::Lines if writer.ends_in_a_torn_line()? => writer.put(b"\n")?,
            Framing::Lines => {}
            Framing::Lengths => writer.cut_torn_frame()?,
            Framing::Streams => {
                if let Some(torn) = zstd_frames::torn(&writer.file, writer.length)? {
                    writer.cut(torn)?;
                }
            }
        }
        Ok(writer)
    }

    fn ends_in_a_torn_line(&mut self) -> std::io::Result<bool> {
        if self.length == 0 {
            return Ok(false);
        }
        let mut last = [0];
        self.file.seek(SeekFrom::Start(self.length - 1))?;
        self.file.read_exact(&mut last)?;
        Ok(last != *b"\n")
    }

    fn cut_torn_frame(&mut self) -> std::io::Result<()> {
        let (mut end, mut header) = (0, [0; 4]);
        while end + 4 <= self.length {
            self.file.seek(SeekFrom::Start(end))?;
            self.file.read_exact(&mut header)?;
            let next = end + 4 + u64::from(u32::from_be_bytes(header));
            if next > self.length {
                break;
            }
            end = next;
        }
        self.cut(end)
    }

    /// The file ends here, and goes on here.
    fn cut(&mut self, end: u64) -> std::io::Result<()> {
        if end < self.length {
            self.file.set_len(end)?;
            self.length = end;
        }
        self.file.seek(SeekFrom::Start(end)).map(|_| ())
    }

    /// Writes one framed message. After a failure nothing of it stays.
    pub fn write(&mut self, message: &[u8]) -> std::io::Result<()> {
        if let Some(rotation) = &self.rotation
            && self.length > 0
            && self.length + message.len() as u64 > rotation.max_bytes()
        {
            rotation::move_away(&self.path, rotation)?;
            self.file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&self.path)?;
            self.length = 0;
        }
        self.put(message)
    }

    fn put(&mut self, message: &[u8]) -> std::io::Result<()> {
        if let Err(error) = self.file.write_all(message) {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length += message.len() as u64;
        Ok(())
    }
}
