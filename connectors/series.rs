//! Series of a metric, bounded in number.

use std::collections::HashMap;

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::metrics::v1::{Exemplar, exemplar};
use pipeline::proto::trace::v1::Span;
use tokio::time::{Duration, Instant};

/// The key of the series of all that found no room; shorter than any other.
pub const OVERFLOW: &[u8] = b"";

/// One series.
pub struct Series<T> {
    /// Its attributes.
    pub attributes: Vec<KeyValue>,
    /// What it has counted.
    pub value: T,
    /// Spans that stand for the others.
    pub exemplars: Vec<Exemplar>,
    /// When it began, in Unix nanoseconds.
    pub start: u64,
    /// Whether it was handed over before.
    pub is_known: bool,
    last_seen: Instant,
}

impl<T> Series<T> {
    /// Lets a span stand for the others, if there is room and it has a trace.
    pub fn show(&mut self, span: &Span, length: f64, most: u32) {
        let has_trace = span.trace_id.iter().any(|byte| *byte != 0);
        if has_trace && self.exemplars.len() < most as usize {
            self.exemplars.push(Exemplar {
                trace_id: span.trace_id.clone(),
                span_id: span.span_id.clone(),
                value: Some(exemplar::Value::AsDouble(length)),
                ..Exemplar::default()
            });
        }
    }
}

/// All series of a metric.
pub struct Family<T> {
    series: HashMap<Box<[u8]>, Series<T>>,
}

impl<T> Default for Family<T> {
    fn default() -> Self {
        Self { series: HashMap::new() }
    }
}

/// How many series there may be.
pub struct Room {
    /// In one family; 0 is any number.
    pub of_family: u32,
    /// In all families together.
    pub of_all: usize,
    /// How many there are in all families.
    pub taken: usize,
}

/// The moment in which spans are taken in.
#[derive(Clone, Copy)]
pub struct Now {
    /// In Unix nanoseconds.
    pub unix: u64,
    /// For ages.
    pub clock: Instant,
}

impl<T> Family<T> {
    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// The series with this key, or a new one; the one for what finds no room, when there is none left. Says whether that
    /// was so. There always is one.
    pub fn get(
        &mut self,
        key: &[u8],
        room: &mut Room,
        now: Now,
        attributes: impl FnOnce() -> Vec<KeyValue>,
        empty: impl FnOnce() -> T,
    ) -> Option<(&mut Series<T>, bool)> {
        let is_full = (room.of_family > 0 && self.series.len() >= room.of_family as usize) || room.taken >= room.of_all;
        let overflows = is_full && !self.series.contains_key(key);
        let key = if overflows { OVERFLOW } else { key };
        if !self.series.contains_key(key) {
            room.taken += 1;
            let series = Series {
                attributes: if overflows { overflow() } else { attributes() },
                value: empty(),
                exemplars: Vec::new(),
                start: now.unix,
                is_known: false,
                last_seen: now.clock,
            };
            self.series.insert(key.into(), series);
        }
        let series = self.series.get_mut(key)?;
        series.last_seen = now.clock;
        Some((series, overflows))
    }

    /// Every series.
    pub fn values(&self) -> impl Iterator<Item = &Series<T>> {
        self.series.values()
    }

    /// Every series with its key.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&[u8], &mut Series<T>)> {
        self.series.iter_mut().map(|(key, series)| (&**key, series))
    }

    /// Forgets series that saw nothing for so long. Returns how many.
    pub fn expire(&mut self, after: Duration, now: Instant) -> usize {
        let before = self.series.len();
        self.series.retain(|_, series| now.saturating_duration_since(series.last_seen) < after);
        before - self.series.len()
    }
}

fn overflow() -> Vec<KeyValue> {
    let value = Some(pipeline::proto::common::v1::AnyValue { value: Some(Value::BoolValue(true)) });
    vec![KeyValue { key: "otel.metric.overflow".to_owned(), value, ..KeyValue::default() }]
}
