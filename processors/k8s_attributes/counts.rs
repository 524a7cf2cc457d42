//! What the processor says of itself: the Collector's names, and how long the API server has been out of sight.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, ObservableGauge};
use pipeline::component::BuildContext;
use pipeline::{ItemCounter, Signal, Telemetry};

use super::annotate::Association;
use super::api::Kind;
use super::directory::Outcome;

/// The events of one kind of object.
#[derive(Clone, Debug)]
pub struct Events {
    added: ItemCounter,
    updated: ItemCounter,
    deleted: ItemCounter,
    refused: ItemCounter,
}

impl Events {
    /// Counters that stand at 0 from now on.
    pub fn new(cx: &BuildContext, kind: Kind) -> Self {
        let object = kind.name().to_lowercase();
        let labels = || vec![KeyValue::new("processor", cx.id.to_string())];
        let event =
            |what: &str, about| cx.telemetry.items(format!("otelcol_otelsvc_k8s_{object}_{what}"), about, labels());
        let kind = KeyValue::new("k8s.object.kind", kind.name());
        Self {
            added: event("added", "Number of add events received"),
            updated: event("updated", "Number of update events received"),
            deleted: event("deleted", "Number of delete events received"),
            refused: cx.telemetry.items(
                "kpulse_k8s_refused_objects".into(),
                "Number of objects that were not taken up, for want of room or of a name.",
                labels().into_iter().chain([kind]).collect(),
            ),
        }
    }

    /// Counts an event by what became of it.
    pub fn count(&self, outcome: Outcome) {
        match outcome {
            Outcome::Added => self.added.add(1u64),
            Outcome::Updated => self.updated.add(1u64),
            Outcome::Deleted => self.deleted.add(1u64),
            Outcome::Refused => self.refused.add(1u64),
            Outcome::Ignored => {}
        }
    }

    /// Counts objects that a complete list no longer has.
    pub fn count_gone(&self, objects: usize) {
        self.deleted.add(objects as u64);
    }
}

/// How resources found their pods.
#[derive(Clone, Debug)]
pub struct Associated {
    processor: KeyValue,
    evaluated: Counter<u64>,
    missed: ItemCounter,
}

impl Associated {
    /// Counters of one processor.
    pub fn new(cx: &BuildContext) -> Self {
        let processor = KeyValue::new("processor", cx.id.to_string());
        let about = "Number of resources whose pod was not found.";
        Self {
            evaluated: cx
                .telemetry
                .meter()
                .u64_counter("otelcol_k8s_pod_association")
                .with_description("Number of pod associations' evaluations")
                .build(),
            missed: cx.telemetry.items("otelcol_otelsvc_k8s_ip_lookup_miss".into(), about, vec![processor.clone()]),
            processor,
        }
    }

    /// Counts one resource.
    pub fn count(&self, association: &Association, signal: Signal) {
        let labels = [
            self.processor.clone(),
            KeyValue::new("status", if association.found { "success" } else { "error" }),
            KeyValue::new("pod_identifier", association.by.clone()),
            KeyValue::new("otelcol.signal", signal.name()),
        ];
        self.evaluated.add(1, &labels);
        if !association.found && !association.by.is_empty() {
            self.missed.add(1u64);
        }
    }
}

/// Since when a kind is out of sight; `None` while it is in sight. Shared with the gauge that shows it.
#[derive(Clone, Debug)]
pub struct Sight(Arc<Mutex<Option<Instant>>>);

impl Sight {
    /// Out of sight from now on.
    pub fn none() -> Self {
        Self(Arc::new(Mutex::new(Some(Instant::now()))))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything is in sight. Returns for how many seconds it was not, if it was not.
    pub fn gain(&self) -> Option<f64> {
        self.lock().take().map(|since| since.elapsed().as_secs_f64())
    }

    /// Out of sight from now on, if it was not before.
    pub fn lose(&self) {
        self.lock().get_or_insert_with(Instant::now);
    }

    /// Whether everything is in sight.
    pub fn is_clear(&self) -> bool {
        self.lock().is_none()
    }

    fn seconds(&self) -> f64 {
        self.lock().map_or(0.0, |since| since.elapsed().as_secs_f64())
    }
}

/// Shows each kind's outage. The gauge lasts as long as it is kept.
pub fn outages(telemetry: &Telemetry, processor: &str, sights: Vec<(Kind, Sight)>) -> ObservableGauge<f64> {
    let processor = KeyValue::new("processor", processor.to_owned());
    let about = "Seconds since the watch of a kind of objects broke, or since the start; 0 while it is up to date.";
    telemetry
        .meter()
        .f64_observable_gauge("kpulse_k8s_watch_outage")
        .with_unit("s")
        .with_description(about)
        .with_callback(move |gauge| {
            for (kind, sight) in &sights {
                gauge.observe(sight.seconds(), &[processor.clone(), KeyValue::new("k8s.object.kind", kind.name())]);
            }
        })
        .build()
}
