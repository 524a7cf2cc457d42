//! Whole lines or nothing.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// An open file whose end is always the end of a line.
#[derive(Debug)]
pub struct Writer {
    file: File,
    length: u64,
}

impl Writer {
    /// Opens or makes the file. A torn last line of an earlier run is closed, so that the next line stands alone.
    pub fn open(path: &Path, append: bool, create_directory: bool) -> std::io::Result<Self> {
        if let (true, Some(parent)) = (create_directory, path.parent()) {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(!append).open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let mut writer = Self { file, length };
        if writer.is_torn()? {
            writer.write(b"\n")?;
        }
        Ok(writer)
    }

    fn is_torn(&mut self) -> std::io::Result<bool> {
        if self.length == 0 {
            return Ok(false);
        }
        let mut last = [0];
        self.file.seek(SeekFrom::Start(self.length - 1))?;
        std::io::Read::read_exact(&mut self.file, &mut last)?;
        Ok(last != *b"\n")
    }

    /// Writes one line. After a failure nothing of it stays.
    pub fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        if let Err(error) = self.file.write_all(line) {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }
}
