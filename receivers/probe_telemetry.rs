//! A probe's counters as self-telemetry: fired + missed = sent + drops by reason.

use std::time::Duration;

use ebpf::Counters;
use ebpf::profile::Shortfalls;
use opentelemetry::KeyValue;
use pipeline::{ItemCounter, Telemetry};

/// How often kernel counters are read.
pub const READ_EVERY: Duration = Duration::from_secs(1);

/// The counters of one probe, moved forward by differences.
pub struct ProbeTelemetry {
    instruments: Vec<(ItemCounter, Value)>,
    last: Counters,
    stacks: Option<Stacks>,
}

/// Samples whose stacks fall short.
struct Stacks {
    absent: ItemCounter,
    truncated: ItemCounter,
    unnamed: ItemCounter,
    last: Shortfalls,
}

/// Reads one value out of all.
type Value = fn(&Counters) -> u64;

const FIRED: (&str, &str) = ("kpulse_probe_fired_events", "Number of times a probe's hook ran.");
const SENT: (&str, &str) = ("kpulse_probe_sent_events", "Number of records a probe wrote.");
const INCOMPLETE: (&str, &str) =
    ("kpulse_probe_incomplete_stacks", "Number of samples that a probe sent with a stack that is not whole.");
const DROPPED: (&str, &str) = ("kpulse_probe_dropped_events", "Number of kernel events that a probe could not keep.");

impl ProbeTelemetry {
    /// For a probe that writes one record per event: everything that fired is accounted for.
    pub fn of_events(telemetry: &Telemetry, receiver: &str, probe: &'static str) -> Self {
        let rows: [(_, _, Value); 7] = [
            (FIRED, None, |c| c.fired),
            (SENT, None, |c| c.sent),
            (DROPPED, Some("filtered"), |c| c.filtered),
            (DROPPED, Some("limited"), |c| c.limited),
            (DROPPED, Some("lost"), |c| c.lost),
            (DROPPED, Some("missed"), |c| c.misses),
            (DROPPED, Some("malformed"), |c| c.malformed),
        ];
        Self::new(telemetry, receiver, probe, &rows)
    }

    /// For a probe that folds events in the kernel: what it could not fold.
    pub fn of_folded(telemetry: &Telemetry, receiver: &str, probe: &'static str) -> Self {
        let rows: [(_, _, Value); 2] = [(DROPPED, Some("lost"), |c| c.lost), (DROPPED, Some("missed"), |c| c.misses)];
        Self::new(telemetry, receiver, probe, &rows)
    }

    /// For a probe that counts equal samples in the kernel: all samples are accounted for, and what stacks lack.
    pub fn of_samples(telemetry: &Telemetry, receiver: &str, probe: &'static str) -> Self {
        let stacks = |lack: &'static str| {
            let labels = [("receiver", receiver.to_owned()), ("probe", probe.into()), ("lack", lack.into())];
            let labels = labels.map(|(key, value)| KeyValue::new(key, value)).to_vec();
            telemetry.items(INCOMPLETE.0.into(), INCOMPLETE.1, labels)
        };
        let (absent, truncated, unnamed) = (stacks("everything"), stacks("callers"), stacks("names"));
        let stacks = Stacks { absent, truncated, unnamed, last: Shortfalls::default() };
        Self { stacks: Some(stacks), ..Self::of_events(telemetry, receiver, probe) }
    }

    /// Makes its instruments, all 0.
    fn new(telemetry: &Telemetry, receiver: &str, probe: &'static str, rows: &[Row]) -> Self {
        let instrument = |((name, about), reason, value): &Row| {
            let mut labels = vec![KeyValue::new("receiver", receiver.to_owned()), KeyValue::new("probe", probe)];
            labels.extend(reason.map(|reason| KeyValue::new("reason", reason)));
            (telemetry.items((*name).into(), about, labels), *value)
        };
        Self { instruments: rows.iter().map(instrument).collect(), last: Counters::default(), stacks: None }
    }

    /// Moves the instruments to `now`.
    pub fn update(&mut self, now: Counters) {
        for (instrument, value) in &self.instruments {
            instrument.add(value(&now).saturating_sub(value(&self.last)));
        }
        self.last = now;
    }

    /// Moves the instruments of stacks to `now`.
    pub fn update_stacks(&mut self, now: Shortfalls) {
        if let Some(Stacks { absent, truncated, unnamed, last }) = &mut self.stacks {
            absent.add(now.no_stack.saturating_sub(last.no_stack));
            truncated.add(now.truncated.saturating_sub(last.truncated));
            unnamed.add(now.unnamed.saturating_sub(last.unnamed));
            *last = now;
        }
    }
}

/// Name and description, reason, value.
type Row = ((&'static str, &'static str), Option<&'static str>, Value);
