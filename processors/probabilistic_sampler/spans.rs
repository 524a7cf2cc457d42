//! Spans, read and written on the wire form.

use pipeline::Undecodable;
use pipeline::otlp::wire::{self, Value};
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::common::v1::any_value::Value as Any;
use prost::Message;

use super::decision::{Decision, Policy};
use super::sampler::{Chance, Priority, Sampler};
use pipeline::sampling::{Malformed, Randomness, State, Threshold, TraceState};

/// Field numbers of a span.
const TRACE_ID: u32 = 1;
const TRACE_STATE: u32 = 3;
const ATTRIBUTES: u32 = 9;

/// Decides about a span; one that stays is appended to `out`.
///
/// # Errors
/// Damage that the structural check would have found.
pub fn sample(sampler: &Sampler, content: &[u8], out: &mut Vec<u8>) -> Result<Decision, Undecodable> {
    let span = read(content)?;
    let chance = span.id.iter().any(|byte| *byte != 0).then(|| match sampler.hashes() {
        true => Chance(sampler.hashed(span.id), Policy::TraceIdHash),
        false => Chance(Randomness::of_trace(span.id), Policy::TraceIdW3c),
    });
    let said = TraceState::parse(span.state);
    let mut state: Result<State, Malformed> = match &said {
        Ok(said) => Ok(said.state.clone()),
        Err(malformed) => Err(*malformed),
    };
    let decision = sampler.decide(chance, &mut state, || priority(span.priority));
    match state {
        Ok(mut state) if decision.changed => {
            if sampler.hashes() {
                // What has no trace id gets one that no later sampler drops, as in the Collector.
                state.randomness.get_or_insert(Randomness::MOST);
            }
            write(content, &said.unwrap_or_default().with(state).to_string(), out)?;
        }
        _ => out.extend_from_slice(content),
    }
    Ok(decision)
}

/// What counts of a span.
#[derive(Default)]
struct Read<'a> {
    id: &'a [u8],
    state: &'a str,
    /// The attribute `sampling.priority`.
    priority: Option<&'a [u8]>,
}

fn read(content: &[u8]) -> Result<Read<'_>, Undecodable> {
    let (mut span, mut at) = (Read::default(), 0);
    while at < content.len() {
        match wire::field(content, &mut at)? {
            (TRACE_ID, Value::Bytes(id)) => span.id = id,
            (TRACE_STATE, Value::Bytes(text)) => span.state = std::str::from_utf8(text).unwrap_or("not UTF-8"),
            (ATTRIBUTES, Value::Bytes(attribute)) if span.priority.is_none() && is_priority(attribute)? => {
                span.priority = Some(attribute);
            }
            _ => {}
        }
    }
    Ok(span)
}

fn is_priority(attribute: &[u8]) -> Result<bool, Undecodable> {
    let mut at = 0;
    while at < attribute.len() {
        if let (1, Value::Bytes(key)) = wire::field(attribute, &mut at)? {
            return Ok(key == b"sampling.priority");
        }
    }
    Ok(false)
}

/// Zero drops and more keeps; what is no number, or less, says nothing.
fn priority(attribute: Option<&[u8]>) -> Priority {
    let value = KeyValue::decode(attribute?).ok()?.value?.value?;
    let number = match value {
        Any::IntValue(int) => int as f64,
        Any::DoubleValue(double) => double,
        Any::StringValue(text) => text.parse().ok()?,
        _ => return None,
    };
    match number {
        0.0 => Some(Threshold::NEVER),
        _ if number > 0.0 => Some(Threshold::ALWAYS),
        _ => None,
    }
}

/// The span with another trace state.
fn write(content: &[u8], state: &str, out: &mut Vec<u8>) -> Result<(), Undecodable> {
    let (mut at, mut copied) = (0, 0);
    while at < content.len() {
        let start = at;
        if let (TRACE_STATE, _) = wire::field(content, &mut at)? {
            out.extend_from_slice(&content[copied..start]);
            copied = at;
        }
    }
    out.extend_from_slice(&content[copied..]);
    wire::put_tag(out, TRACE_STATE, 2);
    wire::put_varint(out, state.len() as u64);
    out.extend_from_slice(state.as_bytes());
    Ok(())
}
