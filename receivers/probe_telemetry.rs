//! A probe's counters as self-telemetry: fired + missed = sent + drops by reason.

use std::time::Duration;

use ebpf::Counters;
use opentelemetry::KeyValue;
use pipeline::{ItemCounter, Telemetry};

/// How often kernel counters are read.
pub const READ_EVERY: Duration = Duration::from_secs(1);

/// The counters of one probe, moved forward by differences.
pub struct ProbeTelemetry {
    fired: ItemCounter,
    sent: ItemCounter,
    dropped: Vec<ItemCounter>,
    last: Counters,
}

impl ProbeTelemetry {
    /// Makes its instruments, all 0.
    pub fn new(telemetry: &Telemetry, receiver: &str, probe: &'static str) -> Self {
        let labels = || vec![KeyValue::new("receiver", receiver.to_owned()), KeyValue::new("probe", probe)];
        let counter = |name: &str, about, labels| telemetry.items(name.into(), about, labels);
        let dropped = Counters::default().drops().map(|(reason, _)| {
            let labels = [labels(), vec![KeyValue::new("reason", reason)]].concat();
            counter("kpulse_probe_dropped_events", "Number of kernel events that did not become records.", labels)
        });
        Self {
            fired: counter("kpulse_probe_fired_events", "Number of times a probe's hook ran.", labels()),
            sent: counter("kpulse_probe_sent_events", "Number of records a probe wrote.", labels()),
            dropped: dropped.into(),
            last: Counters::default(),
        }
    }

    /// Moves the instruments to `now`.
    pub fn update(&mut self, now: Counters) {
        self.fired.add(now.fired.saturating_sub(self.last.fired));
        self.sent.add(now.sent.saturating_sub(self.last.sent));
        let drops = now.drops().into_iter().zip(self.last.drops());
        for (counter, ((_, now), (_, last))) in self.dropped.iter().zip(drops) {
            counter.add(now.saturating_sub(last));
        }
        self.last = now;
    }
}
