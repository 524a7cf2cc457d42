//! Log records.

use pipeline::Undecodable;
use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::logs::v1::LogRecord;
use pipeline::{Attributes, otlp::wire};
use prost::Message;

use super::decision::{Decision, Policy};
use super::sampler::{Chance, Priority, Sampler};
use super::{Config, Source};
use ottl::plain_text;
use pipeline::sampling::{Malformed, Randomness, State, Threshold};

const THRESHOLD: &str = "sampling.threshold";
const RANDOMNESS: &str = "sampling.randomness";

/// What a record is chosen by.
pub struct Records {
    by_trace: bool,
    from_attribute: String,
    priority: String,
    precision: u32,
}

impl Records {
    pub fn new(config: &Config) -> Self {
        Self {
            by_trace: config.attribute_source == Source::TraceId,
            from_attribute: config.from_attribute.clone(),
            priority: config.sampling_priority.clone(),
            precision: config.sampling_precision,
        }
    }

    /// Decides about a record; one that stays is appended to `out`.
    ///
    /// # Errors
    /// A record that cannot be decoded although its structure is sound.
    pub fn sample(&self, sampler: &Sampler, content: &[u8], out: &mut Vec<u8>) -> Result<Decision, Undecodable> {
        let mut record = LogRecord::decode(content)?;
        let mut state = said(&record);
        let decision = sampler.decide(self.chance(sampler, &record), &mut state, || self.priority(&record));
        match state {
            Ok(state) if decision.changed => {
                write(&mut record, &state);
                // Written into what grows.
                record.encode(out).map_err(|_| wire::Fault::Truncated)?;
            }
            _ => out.extend_from_slice(content),
        }
        Ok(decision)
    }

    fn chance(&self, sampler: &Sampler, record: &LogRecord) -> Option<Chance> {
        let id = Some(&record.trace_id).filter(|id| id.iter().any(|byte| *byte != 0));
        if !sampler.hashes() {
            return id.map(|id| Chance(Randomness::of_trace(id), Policy::TraceIdW3c));
        }
        if let Some(id) = id.filter(|_| self.by_trace) {
            return Some(Chance(sampler.hashed(id), Policy::TraceIdHash));
        }
        let value = record.attributes.iter().find(|attribute| attribute.key == self.from_attribute)?.value.as_ref();
        let text = match value.and_then(|value| value.value.as_ref()) {
            Some(Value::BytesValue(bytes)) => bytes.as_slice().into(),
            _ => plain_text(value).into_owned().into_bytes(),
        };
        Some(text).filter(|text| !text.is_empty()).map(|text| Chance(sampler.hashed(&text), Policy::Attribute))
    }

    fn priority(&self, record: &LogRecord) -> Priority {
        let attribute = record.attributes.iter().find(|attribute| attribute.key == self.priority)?;
        let percentage = match attribute.value.as_ref()?.value.as_ref()? {
            Value::IntValue(int) => *int as f64,
            Value::DoubleValue(double) => *double,
            _ => return None,
        };
        Threshold::of_probability(percentage / 100.0, self.precision)
    }
}

/// What a record says of its sampling.
fn said(record: &LogRecord) -> Result<State, Malformed> {
    let text = |key: &str| {
        let attribute = record.attributes.iter().find(|attribute| attribute.key == key)?;
        match attribute.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        }
    };
    Ok(State {
        threshold: text(THRESHOLD).map(Threshold::parse).transpose()?,
        randomness: text(RANDOMNESS).map(Randomness::parse).transpose()?,
    })
}

fn write(record: &mut LogRecord, state: &State) {
    let randomness = state.randomness.map(|randomness| (RANDOMNESS, randomness.text()));
    let threshold = state.threshold.map(|threshold| (THRESHOLD, threshold.text()));
    for (key, text) in randomness.into_iter().chain(threshold) {
        record.attributes.put(key, AnyValue { value: Some(Value::StringValue(text)) });
    }
}
