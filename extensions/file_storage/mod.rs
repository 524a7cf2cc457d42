//! Keeps what components want to have after a restart in files: queues of exporters, by `sending_queue::storage`.
//!
//! ```yaml
//! file_storage:
//!   directory: /var/lib/kpulse/storage
//!   create_directory: true
//! ```
//!
//! Each exporter and signal has a folder of its own in it, in which one process works at a time. What is there when a
//! process is killed is there after the next start, at whatever moment that was. Against power cuts, `fsync` is needed:
//! then every answer waits for the disk.
//!
//! A write that was cut off by the kill was not acknowledged, and is taken off. Bytes that are not what was written are
//! stepped over, with a log line that says where, and counted in `kpulse_storage_damaged_bytes`; everything else in the
//! file is still there. On a full disk new data is refused, and senders are told to come back; what is there goes on to
//! be sent, which makes room. Files are given back one by one as soon as nothing in them is wanted, so the folder is about
//! as large as what it holds. Memory: about 150 bytes for each batch that is held, however large the batches are.
//!
//! The files are not the Collector's (those, of the same names without `.kpulse`, stay as they are): a queue that a
//! Collector left is not taken over.

mod client;
mod log;
mod name;
mod settings;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use config::Decode;
use indicatif::ProgressBar;
use jiff::Timestamp;
use opentelemetry::KeyValue;
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::storage::{Namespace, Storage, StorageError, Storages};
use pipeline::{BuildError, Health, ItemCounter, StartError, Tasks};
use tokio::sync::watch;

use client::{Client, Rebound};
use log::{Damage, Log, Progress};
pub use settings::{Compaction, Config};

/// How often it is said how far a long reading has come.
const SAY_EVERY: Duration = Duration::from_secs(3);
const MIB: u64 = 1 << 20;

/// Its row in the extensions' table.
pub static FACTORY: ExtensionFactory = Factory {
    name: "file_storage",
    alias: None,
    signals: &[],
    stability: Stability::Alpha,
    sample: "directory: /var/lib/kpulse/storage\ncreate_directory: true\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExtensionConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Extension>, BuildError> {
        let about = "Number of stored bytes that were not what was written, or not all of it.";
        let damaged = |reason: &'static str| {
            let labels = vec![KeyValue::new("extension", cx.id.to_string()), KeyValue::new("reason", reason)];
            cx.telemetry.items("kpulse_storage_damaged_bytes".into(), about, labels)
        };
        let (torn, damaged) = (damaged("torn"), damaged("damaged"));
        Ok(Arc::new(FileStorage { config: self.clone(), torn, damaged }))
    }
}

#[derive(Clone)]
struct FileStorage {
    config: Config,
    torn: ItemCounter,
    damaged: ItemCounter,
}

#[async_trait]
impl Extension for FileStorage {
    async fn start(&self, _: watch::Receiver<Health>, _: &mut Tasks) -> Result<(), StartError> {
        if !self.config.create_directory {
            return Ok(());
        }
        make(Path::new(&self.config.directory), self.config.permissions().unwrap_or(0o750))
            .map_err(|error| StartError(format!("cannot make {:?}: {error}", self.config.directory)))
    }

    fn storages(self: Arc<Self>) -> Option<Arc<dyn Storages>> {
        Some(self)
    }
}

#[async_trait]
impl Storages for FileStorage {
    async fn open(&self, owner: Namespace<'_>) -> Result<Arc<dyn Storage>, StorageError> {
        let folder = Path::new(&self.config.directory).join(name::folder(owner));
        let (this, place) = (self.clone(), folder.display().to_string());
        let failed = |message: String| StorageError::Failed { place: place.clone(), message };
        // Reading back can take as long as the disk takes for all that is there.
        let opened = tokio::task::spawn_blocking(move || this.open_folder(&folder));
        let log = opened.await.map_err(|error| failed(error.to_string()))??;
        let client = Client::new(log, self.rebound()).map_err(|error| failed(error.to_string()))?;
        Ok(Arc::new(client))
    }
}

impl FileStorage {
    fn open_folder(&self, folder: &Path) -> Result<Log, StorageError> {
        let mut log = match self.read(folder) {
            Ok(log) => log,
            Err(error @ (StorageError::Failed { .. } | StorageError::Damaged { .. })) if self.config.recreate => {
                put_aside(folder, &error)?;
                self.read(folder)?
            }
            Err(error) => return Err(error),
        };
        if self.config.compaction.on_start {
            log.compact();
        }
        Ok(log)
    }

    fn read(&self, folder: &Path) -> Result<Log, StorageError> {
        let (mut said, bar) = (Instant::now(), ProgressBar::new(0));
        let say = |Progress { read, of }| {
            if said.elapsed() >= SAY_EVERY {
                let (read_mib, of_mib) = (read / MIB, of / MIB);
                tracing::info!(folder = %folder.display(), read_mib, of_mib, "reading what was kept");
                // Shown on a terminal only, and only if this takes long.
                bar.set_length(of);
                bar.set_position(read);
                said = Instant::now();
            }
        };
        let (log, damages) = Log::open(folder, self.config.fsync, self.config.timeout, say)?;
        bar.finish_and_clear();
        damages.iter().for_each(|damage| self.tell(damage));
        Ok(log)
    }

    fn tell(&self, damage: &Damage) {
        let Damage { file, at, bytes, is_torn } = damage;
        let file = file.display();
        if *is_torn {
            self.torn.add(*bytes);
            tracing::warn!(%file, at, bytes, reason = "torn", "a write was cut off and is taken off: nobody was told that it was done");
        } else {
            self.damaged.add(*bytes);
            tracing::error!(%file, at, bytes, reason = "damaged", "stored bytes are not what was written: what was in them is lost, the rest goes on");
        }
    }

    fn rebound(&self) -> Option<Rebound> {
        let Compaction { check_interval, rebound_needed_threshold_mib, rebound_trigger_threshold_mib, .. } =
            self.config.compaction;
        let bytes = |mib: i64| u64::try_from(mib).unwrap_or(0).saturating_mul(MIB);
        self.config.compaction.on_rebound.then(|| Rebound {
            check_interval,
            needed_bytes: bytes(rebound_needed_threshold_mib),
            trigger_bytes: bytes(rebound_trigger_threshold_mib),
        })
    }
}

fn make(directory: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(directory)
}

fn put_aside(folder: &Path, error: &StorageError) -> Result<(), StorageError> {
    let backup =
        PathBuf::from(format!("{}.{}.backup", folder.display(), Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3f")));
    std::fs::rename(folder, &backup).map_err(|failure| {
        let message = format!("{error}; and it cannot be put aside: {failure}");
        StorageError::Failed { place: folder.display().to_string(), message }
    })?;
    tracing::error!(folder = %folder.display(), backup = %backup.display(), %error, "cannot be opened: put aside, as recreate says");
    Ok(())
}
