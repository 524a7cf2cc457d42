//! A page that Prometheus scrapes.
//!
//! ```yaml
//! prometheus:
//!   endpoint: 127.0.0.1:19704
//!   resource_to_telemetry_conversion:
//!     enabled: true
//! ```
//!
//! Keeps the last point of every series. Names and labels follow the Collector's exporter. Unlike it, series of
//! different resources stay apart: those whose labels would still be the same are not merged but left out, counted and
//! warned about; attributes whose names become the same are joined; exponential histograms are shown with classic buckets.
//! Deltas of counters and of histograms with bounds are added up. The server's settings about bodies and metadata of requests have no effect: a scrape has none.

mod exemplars;
mod exponential;
mod format;
mod labels;
mod names;
pub mod page;
mod points;
mod series;
pub mod server;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use config::{Decode, Rules, Section};
use indexmap::IndexMap;
use pipeline::component::{BuildContext, Exporter, ExporterConfig, ExporterFactory, Factory, Stability, decode};
use pipeline::delivery::{Delivery, QueueSettings};
use pipeline::proto::MetricsRequest;
use pipeline::{Authenticator, Batch, BuildError, Drops, ItemCounter, Rejected, Signal, StartError, Tasks, lets_in};

use format::Format;
use names::Naming;
pub use names::Suffixes;
pub use series::Store;
use transport::{HttpServerSettings, Said, gated};

config::settings! {
    /// A page that Prometheus scrapes.
    pub struct Config (pub server: HttpServerSettings = HttpServerSettings::default()) {
        /// Put before every metric's name, with an underscore.
        pub namespace: String = String::new(),
        /// Labels that every series gets.
        pub const_labels: IndexMap<String, String> = IndexMap::new(),
        /// Whether samples carry the time of their point.
        pub send_timestamps: bool = false,
        /// A series that was not updated for so long is no longer shown.
        pub metric_expiration: Duration = Duration::from_secs(300),
        /// Whether the otel_scope_ labels are left out.
        pub without_scope_info: bool = false,
        /// Whether unit and type are added to names, if translation_strategy does not say.
        pub add_metric_suffixes: bool = true,
        /// How names are translated: UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes,
        /// NoUTF8EscapingWithSuffixes or NoTranslation. Without it add_metric_suffixes is followed.
        pub translation_strategy: Option<Strategy> = None,
        /// Whether scrapers that ask for OpenMetrics get that, with exemplars.
        pub enable_open_metrics: bool = false,
        /// Resource attributes as labels.
        pub resource_to_telemetry_conversion: ResourceLabels = ResourceLabels::default(),
        /// What is held before it is put on the page.
        pub sending_queue: Section<QueueSettings> = Section::off(),
    }
}

impl Rules for Config {}

config::words! {
    /// How names of metrics and labels become those of Prometheus.
    pub enum Strategy: "translation_strategy" {
        /// Other characters become underscores; unit and type are added.
        UnderscoreEscapingWithSuffixes = "UnderscoreEscapingWithSuffixes",
        /// Other characters become underscores.
        UnderscoreEscapingWithoutSuffixes = "UnderscoreEscapingWithoutSuffixes",
        /// Unit and type are added.
        NoUtf8EscapingWithSuffixes = "NoUTF8EscapingWithSuffixes",
        /// Names stay as they are.
        NoTranslation = "NoTranslation",
    }
}

/// What stands in for a word that was not understood; the fault was reported.
impl Default for Strategy {
    fn default() -> Self {
        Self::UnderscoreEscapingWithSuffixes
    }
}

impl Config {
    fn naming(&self) -> Naming {
        let (suffixes, utf8) = match self.translation_strategy {
            None => (self.add_metric_suffixes, false),
            Some(Strategy::UnderscoreEscapingWithSuffixes) => (true, false),
            Some(Strategy::UnderscoreEscapingWithoutSuffixes) => (false, false),
            Some(Strategy::NoUtf8EscapingWithSuffixes) => (true, true),
            Some(Strategy::NoTranslation) => (false, true),
        };
        Naming { suffixes: Suffixes::all(suffixes), utf8 }
    }
}

config::settings! {
    /// Resource attributes as labels.
    pub struct ResourceLabels {
        /// Whether every resource attribute becomes a label of its series.
        pub enabled: bool = false,
        /// Whether service.name, service.namespace and service.instance.id are left out: job and instance say them.
        pub exclude_service_attributes: bool = false,
    }
}

impl Rules for ResourceLabels {}

/// Its row in the exporters' table.
pub static FACTORY: ExporterFactory = Factory {
    name: "prometheus",
    alias: None,
    signals: &[Signal::Metrics],
    stability: Stability::Alpha,
    sample: "endpoint: 127.0.0.1:19704\nresource_to_telemetry_conversion:\n  enabled: true\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExporterConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        let store = Arc::new(Mutex::new(Store::new(self.clone())));
        let drops = Drops::of_exporter(&cx);
        let dropped = series::Dropped::ALL.map(|reason| drops.of(reason.name()));
        let auth = self.server.auth.get();
        let gate = auth.map(|auth| cx.authenticator(&auth.authenticator)).transpose()?;
        let open_metrics = self.enable_open_metrics;
        Ok(Arc::new(Prometheus { server: self.server.clone(), open_metrics, store, dropped, gate }))
    }

    fn delivery(&self) -> Delivery {
        Delivery::queued(&self.sending_queue)
    }
}

struct Prometheus {
    server: HttpServerSettings,
    open_metrics: bool,
    store: Arc<Mutex<Store>>,
    dropped: [ItemCounter; series::Dropped::ALL.len()],
    /// Who lets scrapers in.
    gate: Option<Arc<dyn Authenticator>>,
}

#[async_trait]
impl Exporter for Prometheus {
    async fn start(&self, tasks: &mut Tasks) -> Result<(), StartError> {
        let server = self.server.open().await.map_err(|error| StartError(error.to_string()))?;
        let store = self.store.clone();
        let collisions = self.dropped[series::Dropped::SameLabels as usize].clone();
        let open_metrics = self.open_metrics;
        let page = move |accept: &str| {
            let format = Format::asked_for(accept, open_metrics);
            let page = store.lock().unwrap_or_else(PoisonError::into_inner).page_in(Instant::now(), format);
            collisions.add(page.same_labels);
            (format.content_type(), page.text)
        };
        let mut stop = tasks.stop();
        let mut handler = server::handler(&self.server, Arc::new(page));
        if let Some(gate) = self.gate.clone() {
            let asked = move |said: Said| lets_in(gate.clone(), move |name| said.get(name));
            handler = gated(handler, &self.server, Arc::new(move |said| Box::pin(asked(said))));
        }
        tasks.spawn(format!("prometheus on {}", self.server.listen.endpoint), async move {
            server.serve(handler, stop.requested()).await;
        });
        Ok(())
    }

    async fn send(&self, mut batch: Batch) -> Result<(), Rejected> {
        let request = batch.read::<MetricsRequest>().map_err(|e| Rejected::permanent(e.to_string()))?;
        let Some(request) = request else {
            return Err(Rejected::permanent("prometheus takes metrics only"));
        };
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.update(request, Instant::now(), &mut |reason| self.dropped[reason as usize].add(1_u64));
        Ok(())
    }
}
