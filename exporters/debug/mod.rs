//! Telemetry for human eyes.
//!
//! ```yaml
//! debug:
//!   format: live
//! ```
//!
//! `format: collector` (the default) shows the Collector's texts, by `verbosity`: a line with counts per batch, then a line
//! per item (`normal`) or everything (`detailed`). They go to kpulse's own log, or, with `use_internal_logger: false`, to
//! `output_paths`. `format: live` is kpulse's own, always on `output_paths`: one short line per event, and per metric what
//! happened since the last time. Output that nobody reads (Ctrl-S, a full pipe) is not waited for: what finds no room in
//! a short queue counts as failed.

mod counts;
mod detailed;
mod dictionary;
mod go;
mod hot;
mod live;
mod normal;
mod output;
mod sampler;
mod short;
mod terminal;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, Section};
use pipeline::component::{BuildContext, Exporter, ExporterConfig, ExporterFactory, Factory, Stability, decode};
use pipeline::delivery::{Delivery, QueueSettings};
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, BuildError, Rejected, Signal, StartError, Tasks, Undecodable};

use counts::Counts;
use live::Live;
use output::Output;
use sampler::Sampler;

config::settings! {
    /// Telemetry for human eyes.
    pub struct Config {
        /// `collector` or `live`.
        pub format: Format = Format::Collector,
        /// How much `collector` shows: basic, normal or detailed.
        pub verbosity: Verbosity = Verbosity::Basic,
        /// In each second, so many equal lines of `collector` are shown.
        pub sampling_initial: u64 = 2,
        /// After these, every so-manyth is; 1 is all of them, 0 none.
        pub sampling_thereafter: u64 = 1,
        /// Whether `collector` shows them as own log lines, on standard error.
        pub use_internal_logger: bool = true,
        /// Where else lines go: stdout, stderr or the path of a file, which is appended to. When left out, stdout.
        pub output_paths: Option<Vec<String>> = None,
        /// What is held before it is shown.
        pub sending_queue: Section<QueueSettings> = Section::on_when_named(),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        let Some(paths) = &self.output_paths else { return };
        decoder.at("output_paths", |decoder| {
            if self.logs() {
                decoder.error("needs use_internal_logger: false");
            } else if paths.is_empty() {
                decoder.error("must not be empty");
            }
        });
    }
}

impl Config {
    fn logs(&self) -> bool {
        self.format == Format::Collector && self.use_internal_logger
    }

    fn output(&self, cx: &BuildContext) -> Output {
        match &self.output_paths {
            _ if self.logs() => Output::Log { id: cx.id.to_string() },
            Some(paths) => Output::to(paths.clone()),
            None => Output::to(vec!["stdout".into()]),
        }
    }
}

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
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        let sampler = Sampler::new(self.sampling_initial, self.sampling_thereafter);
        let state = Mutex::new(State { live: Live::default(), sampler });
        Ok(Arc::new(Debug { format: self.format, verbosity: self.verbosity, state, output: self.output(&cx) }))
    }

    fn delivery(&self) -> Delivery {
        Delivery::queued(&self.sending_queue)
    }
}

struct Debug {
    format: Format,
    verbosity: Verbosity,
    state: Mutex<State>,
    output: Output,
}

struct State {
    live: Live,
    sampler: Sampler,
}

impl Debug {
    /// What is shown of a batch, each element without its last end of line.
    fn lines(&self, batch: &mut Batch) -> Result<Vec<String>, Undecodable> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.format == Format::Live {
            let text = state.live.lines(batch)?;
            return Ok(text.strip_suffix('\n').map(str::to_owned).into_iter().collect());
        }
        let (counts, text) = collector(batch, self.verbosity)?;
        let now = Instant::now();
        let headline = Some(counts).filter(|counts| state.sampler.shows(counts.name, now)).map(|c| c.to_string());
        let text = text.filter(|text| state.sampler.shows(text, now));
        Ok(headline.into_iter().chain(text).collect())
    }
}

/// The Collector's texts: counts, and by verbosity the items.
fn collector(batch: &mut Batch, verbosity: Verbosity) -> Result<(Counts, Option<String>), Undecodable> {
    let items = batch.items();
    if let Some(request) = batch.read::<LogsRequest>()? {
        return Ok((counts::logs(request, items), verbosity.text(request, normal::logs, detailed::logs)));
    }
    if let Some(request) = batch.read::<TracesRequest>()? {
        return Ok((counts::traces(request, items), verbosity.text(request, normal::traces, detailed::traces)));
    }
    if let Some(request) = batch.read::<MetricsRequest>()? {
        return Ok((counts::metrics(request, items), verbosity.text(request, normal::metrics, detailed::metrics)));
    }
    let none = ProfilesRequest::default();
    let request = batch.read::<ProfilesRequest>()?.unwrap_or(&none);
    Ok((counts::profiles(request, items), verbosity.text(request, normal::profiles, detailed::profiles)))
}

impl Verbosity {
    fn text<R>(self, request: &R, normal: fn(&R) -> String, detailed: fn(&R) -> String) -> Option<String> {
        match self {
            Self::Basic => None,
            Self::Normal => Some(normal(request)),
            Self::Detailed => Some(detailed(request)),
        }
    }
}

/// The natural logarithm of the base of an exponential histogram.
fn exponent_factor(scale: i32) -> f64 {
    std::f64::consts::LN_2 * (-f64::from(scale)).exp2()
}

#[async_trait]
impl Exporter for Debug {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        self.output.open()
    }

    async fn send(&self, mut batch: Batch) -> Result<(), Rejected> {
        let lines = self.lines(&mut batch).map_err(|e| Rejected::permanent(e.to_string()))?;
        self.output.show(&lines).await
    }

    async fn shutdown(&self) {
        self.output.finish().await;
    }
}
