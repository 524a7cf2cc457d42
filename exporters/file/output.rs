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
    state: Arc<Mutex<State>>,
    dropped: Dropped,
}

#[derive(Debug, Default)]
struct State {
    output: Output,
    /// The room of the last message, for the next: each new page of memory costs a fault.
    message: Vec<u8>,
}

/// Room beyond this is not kept.
const KEPT_BYTES: usize = 16 << 20;

/// What cannot get into any file.
#[derive(Clone)]
struct Dropped {
    no_attribute: ItemCounter,
    no_file_name: ItemCounter,
}

/// Where messages go.
#[derive(Debug, Default)]
enum Output {
    #[default]
    Closed,
    One(Writer),
    Many(Files),
}

impl File {
    /// Nothing is open before it is started.
    pub fn new(config: Config, drops: &Drops) -> Self {
        let dropped = Dropped { no_attribute: drops.of("no_attribute"), no_file_name: drops.of("no_file_name") };
        Self { config: Arc::new(config), state: Arc::default(), dropped }
    }
}

#[async_trait]
impl Exporter for File {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).output = self.config.open()?;
        Ok(())
    }

    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        let (config, state, dropped) = (self.config.clone(), self.state.clone(), self.dropped.clone());
        // Disks can be slow, and the pipeline must not wait with them.
        let written = tokio::task::spawn_blocking(move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let written = state.write(&config, &batch, &dropped);
            if state.message.capacity() > KEPT_BYTES {
                state.message = Vec::new();
            }
            written
        });
        written.await.unwrap_or_else(|e| Err(Rejected::permanent(e.to_string())))
    }
}

impl State {
    fn write(&mut self, config: &Config, batch: &Batch, dropped: &Dropped) -> Result<(), Rejected> {
        let Self { output, message } = self;
        match output {
            Output::One(writer) => {
                config.frame(batch, config.framing(), message)?;
                writer.write(message).map_err(|e| Rejected::retryable(format!("cannot write: {e}")))
            }
            Output::Many(files) => config.write_groups(batch, files, message, dropped),
            Output::Closed => Err(Rejected::closed("the file is not open")),
        }
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
    fn write_groups(
        &self,
        batch: &Batch,
        files: &mut Files,
        message: &mut Vec<u8>,
        dropped: &Dropped,
    ) -> Result<(), Rejected> {
        let attribute = &self.group_by.resource_attribute;
        let groups = batch.by_resource(|resource| groups::segment(resource, attribute));
        let (mut left, mut why) = (Vec::new(), String::new());
        for (segment, group) in groups.map_err(|e| Rejected::permanent(e.to_string()))? {
            let Some(segment) = segment else {
                dropped.no_attribute.add(group.items());
                continue;
            };
            self.frame(&group, self.framing(), message)?;
            match files.write(&segment, message, self) {
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
