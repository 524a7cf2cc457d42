//! Batches as documents.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, Signal, Undecodable};

use super::deltas::Deltas;
use super::documents::{Builder, Documents};
use super::route::{self, Router};
use super::settings::{Config, Mode};
use super::{logs, metrics, profiles, traces};

/// The header of a received request that chooses the mapping mode.
const MODE_HEADER: &str = "x-elastic-mapping-mode";

/// Lays out documents as the settings say.
#[derive(Debug)]
pub struct Encoder {
    mode: Mode,
    allowed_modes: Vec<String>,
    bytes_at_most: usize,
    /// A router for each signal with and without the suffix of otel mode.
    routers: Vec<(Signal, Mode, Router)>,
    /// What cumulative histograms had when they were seen last.
    pub deltas: Mutex<Deltas>,
    /// Where events of spans go, which are logs.
    pub span_events: Router,
    pub logs_dynamic_id: bool,
    pub traces_dynamic_id: bool,
    pub logs_dynamic_pipeline: bool,
}

impl Encoder {
    pub fn new(config: &Config) -> Self {
        let router = |signal: Signal, mode: Mode| {
            let fixed = match signal {
                Signal::Logs => &config.logs_index,
                Signal::Metrics => &config.metrics_index,
                Signal::Traces => &config.traces_index,
                Signal::Profiles => "",
            };
            Router {
                kind: signal.name(),
                fixed: fixed.to_owned(),
                suffix: if mode == Mode::Otel { ".otel" } else { "" },
                logstash: Some(config.logstash_format.clone()).filter(|format| format.enabled),
            }
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let modes = [Mode::Otel, Mode::Bodymap];
        let all = Signal::ALL.into_iter().flat_map(|signal| modes.map(|mode| (signal, mode, router(signal, mode))));
        Self {
            mode: config.mapping.mode,
            allowed_modes: config.mapping.allowed_modes.clone(),
            bytes_at_most: config.flush.bytes as usize,
            routers: all.collect(),
            deltas: Mutex::new(Deltas::new(now.as_nanos() as u64)),
            // A traces_index is no place for them: they are logs.
            span_events: Router { fixed: String::new(), ..router(Signal::Logs, Mode::Otel) },
            logs_dynamic_id: config.logs_dynamic_id.enabled,
            traces_dynamic_id: config.traces_dynamic_id.enabled,
            logs_dynamic_pipeline: config.logs_dynamic_pipeline.enabled,
        }
    }

    /// All documents of a batch.
    ///
    /// # Errors
    /// Bytes that cannot be decoded.
    pub fn documents(&self, batch: &mut Batch) -> Result<Documents, Undecodable> {
        let mut to = Builder::new(self.bytes_at_most);
        let mode = self.asked_for(batch);
        if let Some(request) = batch.read::<LogsRequest>()? {
            logs::add(self, mode, request, &mut to);
        } else if let Some(request) = batch.read::<TracesRequest>()? {
            traces::add(self, request, &mut to);
        } else if let Some(request) = batch.read::<MetricsRequest>()? {
            metrics::add(self, request, &mut to);
        } else if let Some(request) = batch.read::<ProfilesRequest>()? {
            profiles::add(self, request, &mut to);
        }
        Ok(to.finish())
    }

    /// The mode of a scope: its attribute wins.
    pub fn mode(&self, scope: &[KeyValue], asked_for: Mode) -> Mode {
        route::text(scope, route::MODE).and_then(Mode::named).unwrap_or(asked_for)
    }

    pub fn router(&self, signal: Signal, mode: Mode) -> &Router {
        let found = self.routers.iter().find(|(of, in_mode, _)| *of == signal && *in_mode == mode);
        found.map_or(&self.span_events, |(_, _, router)| router)
    }

    /// The mode that the batch's sender asked for, if it may.
    fn asked_for(&self, batch: &Batch) -> Mode {
        let header = batch.origin().metadata.iter().find(|(name, _)| name == MODE_HEADER);
        let is_allowed = |name: &&str| {
            self.allowed_modes.is_empty() || self.allowed_modes.iter().any(|mode| mode.eq_ignore_ascii_case(name))
        };
        header.map(|(_, name)| name.as_str()).filter(is_allowed).and_then(Mode::named).unwrap_or(self.mode)
    }
}
