//! Own log lines, in the Collector's two forms: parts between tabs, or one JSON object a line.

mod event;
mod fields;
mod line;
mod outputs;
mod sampler;
mod takers;

use std::sync::{Arc, RwLock};

use pipeline::{Level, LogSettings, StartError, Taker};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

use crate::speaker::Speaker;
pub use event::{Event, Severity};
use line::{Lines, Writer};
use takers::Takers;
pub use takers::apart;

/// Crates that log what their callers report anyway, with less to go by.
const REPETITIVE: [&str; 2] = ["kube_client", "kube_runtime"];

/// The way to change how log lines are written.
pub struct Logging {
    filter: reload::Handle<Targets, Registry>,
    writer: Arc<RwLock<Writer>>,
    takers: Takers,
}

impl Logging {
    /// From here on log lines are written.
    ///
    /// # Errors
    /// When an output cannot be opened.
    pub fn start(settings: &LogSettings, speaker: &Speaker) -> Result<Self, StartError> {
        let writer = Arc::new(RwLock::new(Writer::open(settings, speaker)?));
        let takers = Takers::default();
        let lines = Lines { writer: writer.clone(), takers: takers.clone() };
        let (filter, handle) = reload::Layer::new(filter(settings.level));
        // Fails when there is a subscriber already, which then writes the lines.
        let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
        Ok(Self { filter: handle, writer, takers })
    }

    /// From now on these take what is said, too.
    pub fn send_to(&self, takers: Vec<Taker<Arc<Event>>>) {
        self.takers.replace(takers);
    }

    /// Writes them in another way from now on.
    ///
    /// # Errors
    /// When an output cannot be opened; then nothing changes.
    pub fn change(&self, settings: &LogSettings, speaker: &Speaker) -> Result<(), StartError> {
        let new = Writer::open(settings, speaker)?;
        if let Ok(mut writer) = self.writer.write() {
            *writer = new;
        }
        // Fails only when the subscriber is gone, and with it the lines.
        let _ = self.filter.reload(filter(settings.level));
        Ok(())
    }
}

fn filter(level: Level) -> Targets {
    let level = match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
        Level::DPanic | Level::Panic | Level::Fatal => LevelFilter::OFF,
    };
    let repetitive = if level == LevelFilter::DEBUG { level } else { LevelFilter::OFF };
    Targets::new().with_default(level).with_targets(REPETITIVE.map(|target| (target, repetitive)))
}

#[cfg(test)]
mod tests;
