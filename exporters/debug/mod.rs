//! Telemetry for human eyes, on standard output.
//!
//! ```yaml
//! debug:
//!   format: live
//! ```
//!
//! `format: collector` (the default) follows `verbosity`: one line per batch, one per item, or everything as indented
//! OTLP/JSON. `format: live` is kpulse's own: one short line per event, and per metric what happened since the last
//! time. Output that nobody reads (Ctrl-S, a full pipe) is not waited for: what finds no room in a short queue counts as
//! failed.

mod items;
mod live;
mod profiles;
mod terminal;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use config::{Decode, Rules, Section};
use pipeline::component::{BuildContext, Exporter, ExporterConfig, ExporterFactory, Factory, Stability, decode};
use pipeline::delivery::{Delivery, QueueSettings};
use pipeline::{Batch, BuildError, Rejected, Signal, StartError, Tasks};

use live::Live;
use terminal::Terminal;

config::settings! {
    /// Telemetry for human eyes.
    pub struct Config {
        /// `collector` or `live`.
        pub format: Format = Format::Collector,
        /// How much `collector` shows: basic, normal or detailed.
        pub verbosity: Verbosity = Verbosity::Basic,
        /// What is held before it is shown.
        pub sending_queue: Section<QueueSettings> = Section::on_when_named(),
    }
}

impl Rules for Config {}

config::words! {
    /// The shape of the output.
    pub enum Format: "format" {
        /// By verbosity, as the Collector.
        Collector = "collector",
        /// Short lines as things happen.
        Live = "live",
    }
}

config::words! {
    /// How much is shown.
    pub enum Verbosity: "verbosity" {
        /// One line per batch.
        Basic = "basic",
        /// One line per item.
        Normal = "normal",
        /// Everything.
        Detailed = "detailed",
    }
}

/// Its row in the exporters' table.
pub static FACTORY: ExporterFactory = Factory {
    name: "debug",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "format: live\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExporterConfig for Config {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        Ok(Arc::new(Debug { config: self.clone(), live: Mutex::new(Live::default()), terminal: OnceLock::new() }))
    }

    fn delivery(&self) -> Delivery {
        Delivery::queued(&self.sending_queue)
    }
}

struct Debug {
    config: Config,
    live: Mutex<Live>,
    terminal: OnceLock<Terminal>,
}

impl Debug {
    fn text(&self, mut batch: Batch) -> Result<String, Rejected> {
        let rejected = |e: &dyn std::fmt::Display| Rejected::permanent(e.to_string());
        match (self.config.format, self.config.verbosity) {
            (Format::Live, _) => {
                let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
                live.lines(&mut batch).map_err(|e| rejected(&e))
            }
            (_, Verbosity::Basic) => Ok(items::headline(&batch)),
            (_, Verbosity::Normal) => {
                let headline = items::headline(&batch);
                items::lines(&mut batch).map(|lines| headline + &lines).map_err(|e| rejected(&e))
            }
            (_, Verbosity::Detailed) => {
                let mut json = Vec::new();
                batch.write_json(&mut json).map_err(|e| rejected(&e))?;
                let tree: serde_json::Value = serde_json::from_slice(&json).map_err(|e| rejected(&e))?;
                Ok(format!("{}{tree:#}\n", items::headline(&batch)))
            }
        }
    }
}

#[async_trait]
impl Exporter for Debug {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        let terminal =
            Terminal::start(std::io::stdout()).map_err(|e| StartError(format!("no thread to write: {e}")))?;
        self.terminal.set(terminal).map_err(|_| StartError("started twice".into()))
    }

    async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        let text = self.text(batch)?;
        match self.terminal.get() {
            Some(terminal) => terminal.send(text).await,
            None => Err(Rejected::closed("not started")),
        }
    }

    async fn shutdown(&self) {
        if let Some(terminal) = self.terminal.get() {
            terminal.finish().await;
        }
    }
}
