//! One file, or one for each group.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use pipeline::component::Exporter;
use pipeline::{Batch, Drops, ItemCounter, Rejected, StartError, Tasks};

use super::groups::{self, Files, NotWritten};
use super::place::Place;
use super::writer::{Writer, make_directory};
use super::{Config, PERMISSIONS};

/// The exporter.
pub struct File {
    config: Arc<Config>,
    output: Arc<Mutex<Output>>,
    dropped: Dropped,
}

/// What cannot get into any file.
#[derive(Clone)]
struct Dropped {
    no_attribute: ItemCounter,
    no_file_name: ItemCounter,
}

/// Where messages go.
#[derive(Debug)]
enum Output {
    Closed,
    One(Writer),
    Many(Files),
}

impl File {
    /// Nothing is open before it is started.
    pub fn new(config: Config, drops: &Drops) -> Self {
        let dropped = Dropped { no_attribute: drops.of("no_attribute"), no_file_name: drops.of("no_file_name") };
        Self { config: Arc::new(config), output: Arc::new(Mutex::new(Output::Closed)), dropped }
    }
}

#[async_trait]
impl Exporter for File {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        *self.output.lock().unwrap_or_else(PoisonError::into_inner) = self.config.open()?;
        Ok(())
    }

    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        let (config, output, dropped) = (self.config.clone(), self.output.clone(), self.dropped.clone());
        // Disks can be slow, and the pipeline must not wait with them.
        let written =
            tokio::task::spawn_blocking(move || match &mut *output.lock().unwrap_or_else(PoisonError::into_inner) {
                Output::One(writer) => {
                    let message = config.message(&batch, config.framing())?;
                    writer.write(&message).map_err(|e| Rejected::retryable(format!("cannot write: {e}")))
                }
                Output::Many(files) => config.write_groups(&batch, files, &dropped),
                Output::Closed => Err(Rejected::closed("the file is not open")),
            });
        written.await.unwrap_or_else(|e| Err(Rejected::permanent(e.to_string())))
    }
}

impl Config {
    fn open(&self) -> Result<Output, StartError> {
        if self.group_by.enabled {
            let place = Place::new(&self.path).map_err(|fault| StartError(format!("path {fault}")))?;
            return Ok(Output::Many(Files::new(place)));
        }
        let path = PathBuf::from(&self.path);
        let failed = |e: std::io::Error| StartError(format!("{}: {e}", path.display()));
        if self.create_directory {
            make_directory(&path, self.permissions().unwrap_or(PERMISSIONS)).map_err(failed)?;
        }
        let rotation = self.rotation.get().cloned();
        Ok(Output::One(Writer::open(&path, self.framing(), self.append, rotation).map_err(failed)?))
    }

    /// Writes each group into its file. What a disk did not take is handed back, and nothing else.
    fn write_groups(&self, batch: &Batch, files: &mut Files, dropped: &Dropped) -> Result<(), Rejected> {
        let attribute = &self.group_by.resource_attribute;
        let groups = batch.by_resource(|resource| groups::segment(resource, attribute));
        let (mut left, mut why) = (Vec::new(), String::new());
        for (segment, group) in groups.map_err(|e| Rejected::permanent(e.to_string()))? {
            let Some(segment) = segment else {
                dropped.no_attribute.add(group.items());
                continue;
            };
            match files.write(&segment, &self.message(&group, self.framing())?, self) {
                Ok(()) => {}
                Err(error @ NotWritten::NoName(_)) => {
                    tracing::warn!(segment, %error, "dropped");
                    dropped.no_file_name.add(group.items());
                }
                Err(error) => {
                    why = format!("the file of {segment:?}: {error}");
                    left.push(group);
                }
            }
        }
        match Batch::concat(left, batch.origin().clone()) {
            None => Ok(()),
            rest => Err(Rejected { rest, ..Rejected::retryable(why) }),
        }
    }
}
