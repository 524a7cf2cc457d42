//! Single measurements that are shown beside a counter or bucket.

use pipeline::proto::metrics::v1::Exemplar;
use pipeline::proto::metrics::v1::exemplar::Value;

use super::labels::Labels;

/// A measurement and the trace it was part of.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// `trace_id` and `span_id`.
    pub labels: Labels,
    /// What was measured.
    pub value: f64,
    /// When.
    pub time_unix_ns: u64,
}

/// Those that name a trace or span: others tell nothing on a page.
pub fn samples(exemplars: &[Exemplar]) -> Vec<Sample> {
    let id = |name: &str, id: &[u8]| {
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        id.iter().any(|byte| *byte != 0).then(|| (name.to_owned(), hex))
    };
    let sample = |exemplar: &Exemplar| {
        let labels: Labels =
            [id("trace_id", &exemplar.trace_id), id("span_id", &exemplar.span_id)].into_iter().flatten().collect();
        let value = match exemplar.value {
            Some(Value::AsInt(int)) => int as f64,
            Some(Value::AsDouble(double)) => double,
            None => 0.0,
        };
        (!labels.is_empty()).then_some(Sample { labels, value, time_unix_ns: exemplar.time_unix_nano })
    };
    exemplars.iter().filter_map(sample).collect()
}

/// The last one above `lower` and not above `upper`.
pub fn within(samples: &[Sample], lower: f64, upper: f64) -> Option<&Sample> {
    samples.iter().rev().find(|sample| sample.value > lower && sample.value <= upper)
}
