//! A file for each value of an attribute of resources.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use config::Rules;
use pipeline::Recent;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::resource::v1::Resource;

use super::Config;
use super::place::Place;
use super::writer::{Writer, make_directory};

config::settings! {
    /// A file for each value of an attribute.
    pub struct GroupBy {
        /// Whether to write into several files.
        pub enabled: bool = false,
        /// The attribute of resources whose value stands for the `*` of the path.
        pub resource_attribute: String = String::from("fileexporter.path_segment"),
        /// How many files are open at most; the one that was written to longest ago is closed for another.
        pub max_open_files: u32 = 100,
    }
}

impl Rules for GroupBy {}

/// Why a message is not in its file.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// No file can have this name, however often it is tried.
    #[error("no file can have this name: {0}")]
    NoName(io::Error),
    /// It could not be opened or written to now.
    #[error("cannot write: {0}")]
    Now(#[from] io::Error),
}

/// The files of one exporter.
#[derive(Debug)]
pub struct Files {
    place: Place,
    open: Recent<PathBuf, Writer>,
    /// Every file that was begun in this run: whoever comes back goes on where it ended.
    begun: HashSet<PathBuf>,
}

impl Files {
    /// None is open yet.
    pub fn new(place: Place) -> Self {
        Self { place, open: Recent::default(), begun: HashSet::new() }
    }

    /// Writes one framed message into the file of `segment`, with its directory made.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&mut self, segment: &str, message: &[u8], config: &Config) -> Result<(), NotWritten> {
        let path = self.place.of(segment);
        if !self.open.touch(&path) {
            self.make_room(config.group_by.max_open_files as usize);
            let writer = self.begin(&path, config).map_err(not_opened)?;
            self.open.insert(path.clone(), writer);
        }
        match self.open.get_mut(&path) {
            Some(writer) => Ok(writer.write(message)?),
            None => Err(NotWritten::Now(io::ErrorKind::NotFound.into())),
        }
    }

    fn make_room(&mut self, most: usize) {
        while self.open.len() >= most.max(1)
            && let Some(oldest) = self.open.oldest()
        {
            self.open.remove(&oldest);
        }
    }

    fn begin(&mut self, path: &Path, config: &Config) -> io::Result<Writer> {
        make_directory(path, config.permissions().unwrap_or(super::PERMISSIONS))?;
        let append = config.append || self.begun.contains(path);
        let writer = Writer::open(path, config.framing(), append, config.rotation.get().cloned())?;
        self.begun.insert(path.to_owned());
        Ok(writer)
    }
}

/// What stands for the `*`: text, or nothing if the resource has no such attribute.
pub fn segment(resource: &Resource, attribute: &str) -> Option<String> {
    let found = resource.attributes.iter().find(|one| one.key == attribute)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

fn not_opened(error: io::Error) -> NotWritten {
    use io::ErrorKind::{InvalidFilename, InvalidInput, IsADirectory};
    match error.kind() {
        InvalidInput | InvalidFilename | IsADirectory => NotWritten::NoName(error),
        _ => NotWritten::Now(error),
    }
}
