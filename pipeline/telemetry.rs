//! What kpulse says of itself, made with the `opentelemetry` crate; names are the Collector's `otelcol_*`.

use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry::metrics::{Counter, Meter, MeterProvider as _};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality};

use crate::SelfProfiler;
use crate::own_spans::Tracer;
use crate::proto::MetricsRequest;

/// The meter of the running service and the way to read it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Dropping the last provider would end the reader.
    _provider: SdkMeterProvider,
    reader: SharedReader,
    meter: Meter,
    live_bytes: Option<fn() -> u64>,
    profiler: Option<Arc<dyn SelfProfiler>>,
    tracer: Tracer,
    detailed: bool,
    instance: Arc<str>,
}

impl Telemetry {
    /// A meter whose resource says which program and version speaks.
    pub fn new(version: &'static str) -> Self {
        let reader = SharedReader(Arc::new(ManualReader::builder().build()));
        let resource = Resource::builder_empty()
            .with_attributes([KeyValue::new("service.name", "kpulse"), KeyValue::new("service.version", version)])
            .build();
        let provider = SdkMeterProvider::builder().with_reader(reader.clone()).with_resource(resource).build();
        let meter = provider.meter_with_scope(InstrumentationScope::builder("kpulse").with_version(version).build());
        Self {
            _provider: provider,
            reader,
            meter,
            live_bytes: None,
            profiler: None,
            tracer: Tracer::default(),
            detailed: false,
            instance: "".into(),
        }
    }

    /// The same, for a program whose allocator counts the bytes in use.
    pub fn with_live_bytes(self, live_bytes: fn() -> u64) -> Self {
        Self { live_bytes: Some(live_bytes), ..self }
    }

    /// The same, for a program that can make profiles of itself.
    pub fn with_profiler(self, profiler: Arc<dyn SelfProfiler>) -> Self {
        Self { profiler: Some(profiler), ..self }
    }

    /// Who makes profiles of this program, where that is possible.
    pub fn profiler(&self) -> Option<&Arc<dyn SelfProfiler>> {
        self.profiler.as_ref()
    }

    /// The same, with what is shown at level `detailed` alone.
    pub fn detailed(self) -> Self {
        Self { detailed: true, ..self }
    }

    /// The same, of the run of this id.
    pub fn of_instance(self, id: &str) -> Self {
        Self { instance: id.into(), ..self }
    }

    /// The id of this run (`service.instance.id`), as long as it lasts; empty where nobody said it.
    pub fn instance_id(&self) -> &str {
        &self.instance
    }

    /// Whether instruments of level `detailed` are wanted; they may be costly.
    pub fn is_detailed(&self) -> bool {
        self.detailed
    }

    /// How to ask for the bytes that this program has allocated and not freed, where that is known.
    pub fn live_bytes(&self) -> Option<fn() -> u64> {
        self.live_bytes
    }

    /// Who makes spans of what this program does.
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Where instruments are made.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// All values of this moment; `None` after shutdown.
    pub fn snapshot(&self) -> Option<MetricsRequest> {
        let mut metrics = ResourceMetrics::default();
        self.reader.collect(&mut metrics).ok()?;
        Some(MetricsRequest::from(&metrics))
    }

    /// A counter of items with its labels already bound, present with 0 from the start.
    pub fn items(&self, name: String, description: &'static str, labels: Vec<KeyValue>) -> ItemCounter {
        let unit = unit(&name);
        let counter = self.meter.u64_counter(name).with_description(description).with_unit(unit).build();
        counter.add(0, &labels);
        ItemCounter { counter, labels: labels.into() }
    }
}

/// The units that the Collector's counters of items have, by the end of their names; others have none.
const UNITS: [(&str, &str); 5] = [
    ("_spans", "{span}"),
    ("_metric_points", "{datapoint}"),
    ("_log_records", "{record}"),
    ("_profile_samples", "{sample}"),
    ("_trigger_send", "{time}"),
];

fn unit(name: &str) -> &'static str {
    UNITS.iter().find(|(end, _)| name.ends_with(end)).map_or("", |(_, unit)| unit)
}

/// A counter of items with bound labels.
#[derive(Clone, Debug)]
pub struct ItemCounter {
    counter: Counter<u64>,
    labels: Arc<[KeyValue]>,
}

impl ItemCounter {
    /// Counts `items`.
    pub fn add(&self, items: impl Into<u64>) {
        self.counter.add(items.into(), &self.labels);
    }

    /// The same, with more labels.
    pub fn add_as(&self, items: impl Into<u64>, more: &[KeyValue]) {
        self.counter.add(items.into(), &[&self.labels, more].concat());
    }
}

/// The SDK takes readers by value; this one is read from outside too.
#[derive(Clone, Debug)]
struct SharedReader(Arc<ManualReader>);

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
