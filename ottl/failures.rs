//! What becomes of a failure while an item is looked at.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use pipeline::ItemCounter;
use pipeline::component::BuildContext;

use super::{ErrorMode, Failure};

/// The shortest time between two log lines of one component.
const QUIET: Duration = Duration::from_secs(10);

/// Counts failures, and logs them now and then: one wrong condition fails for every item. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Failures {
    component: Arc<str>,
    counter: ItemCounter,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    silent_since: u64,
}

impl Failures {
    /// Those of one processor.
    pub fn new(cx: &BuildContext) -> Self {
        Self::of("processor", cx)
    }

    /// Those of one connector.
    pub fn of_connector(cx: &BuildContext) -> Self {
        Self::of("connector", cx)
    }

    fn of(kind: &'static str, cx: &BuildContext) -> Self {
        let labels = vec![KeyValue::new(kind, cx.id.to_string())];
        let about = "Number of conditions and statements that failed for an item.";
        let counter = cx.telemetry.items(format!("kpulse_{kind}_ottl_failures"), about, labels);
        Self { component: cx.id.to_string().into(), counter, told: Arc::default() }
    }

    /// Counts a failure, and tells of it as the mode says.
    ///
    /// # Errors
    /// The failure with its text, when failures are propagated.
    pub fn handle(&self, mode: ErrorMode, what: &str, text: &str, failure: &Failure) -> Result<(), String> {
        self.counter.add(1u64);
        match mode {
            ErrorMode::Propagate => return Err(format!("{what} {text:?} failed: {failure}")),
            ErrorMode::Ignore => self.tell(what, text, failure),
            ErrorMode::Silent => {}
        }
        Ok(())
    }

    fn tell(&self, what: &str, text: &str, failure: &Failure) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if told.at.is_some_and(|at| now < at + QUIET) {
            told.silent_since += 1;
            return;
        }
        let others = std::mem::take(&mut told.silent_since);
        told.at = Some(now);
        tracing::warn!(component = &*self.component, text, %failure, not_logged = others, "{what} failed");
    }
}
