//! `file_storage`, with the Collector's keys, defaults and rules.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use config::{Decoder, Rules};

/// Where the Collector keeps its files.
const DIRECTORY: &str = "/var/lib/otelcol/file_storage";

config::settings! {
    /// Keeps what components want to have after a restart in files.
    pub struct Config {
        /// The folder; each component gets one in it. It has to exist, unless create_directory says otherwise.
        pub directory: String = DIRECTORY.into(),
        /// How long to wait for another process that has a component's folder open.
        pub timeout: Duration = Duration::from_secs(1),
        /// When room is given back to the file system at once. Without it, room is given back too, a little later.
        pub compaction: Compaction = Compaction::default(),
        /// Whether each answer waits until the disk has it. Then nothing that was answered is lost in a power cut, and
        /// not only when the process dies.
        pub fsync: bool = false,
        /// Whether the folder is made at the start if it is not there.
        pub create_directory: bool = false,
        /// The rights of a folder that is made, octal.
        pub directory_permissions: String = "0750".into(),
        /// Whether a component's folder that cannot be opened is put aside, so that the start goes on with an empty one.
        pub recreate: bool = false,
    }
}

config::settings! {
    /// When room is given back to the file system at once.
    pub struct Compaction {
        /// Whether that is done at every start.
        pub on_start: bool = false,
        /// Whether that is done when much was held and little is left.
        pub on_rebound: bool = false,
        /// Taken from the Collector's files without effect, but for its rule: nothing is copied to another place.
        pub directory: String = DIRECTORY.into(),
        /// The files have to be at least so large, in MiB.
        pub rebound_needed_threshold_mib: i64 = 100,
        /// No more than so much of them may be in use, in MiB.
        pub rebound_trigger_threshold_mib: i64 = 10,
        /// Taken from the Collector's files without effect: what is moved at once is limited by its size.
        pub max_transaction_size: i64 = 65_536,
        /// How often it is looked whether that is so.
        pub check_interval: Duration = Duration::from_secs(5),
        /// Taken from the Collector's files without effect: nothing temporary is ever left.
        pub cleanup_on_start: bool = false,
    }
}

impl Rules for Compaction {
    fn rules(&self, decoder: &mut Decoder) {
        if self.max_transaction_size < 0 {
            decoder.at("max_transaction_size", |d| d.error("must not be negative"));
        }
        if self.on_rebound && self.check_interval.is_zero() {
            decoder.at("check_interval", |d| d.error("must be greater than zero when on_rebound is set"));
        }
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        decoder.at("directory", |d| self.check(&self.directory, d));
        if self.compaction.on_start || self.compaction.on_rebound {
            decoder.at("compaction", |d| d.at("directory", |d| self.check(&self.compaction.directory, d)));
        }
        if self.create_directory && self.permissions().is_none() {
            let message = format!("must be octal and have no more than 0777, is {:?}", self.directory_permissions);
            decoder.at("directory_permissions", |d| d.error(message));
        }
    }
}

impl Config {
    /// The rights of a folder that is made.
    pub fn permissions(&self) -> Option<u32> {
        u32::from_str_radix(&self.directory_permissions, 8).ok().filter(|mode| *mode <= 0o777)
    }

    fn check(&self, directory: &str, decoder: &mut Decoder) {
        match Path::new(directory).metadata() {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => decoder.error(format!("{directory:?} is not a directory")),
            Err(error) if error.kind() == ErrorKind::NotFound && self.create_directory => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                decoder.error(format!("{directory:?} is not there; make it, or set create_directory: true"));
            }
            Err(error) => decoder.error(format!("cannot look at {directory:?}: {error}")),
        }
    }
}
