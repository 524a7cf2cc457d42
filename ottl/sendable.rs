//! Values that are made of a text have to be read again by whoever gets them: protobuf's readers, ours too, allow about a
//! hundred messages in each other and refuse the whole request if there are more, with everybody else's records in it.

use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;

use super::Failure;
use super::value::Val;

/// So many messages may lie in each other below a value: 26 maps or 40 lists. What it will lie in needs the rest.
const DEEPEST: usize = 80;
/// The messages of a list in a value, and of a map.
const OF_LIST: usize = 2;
const OF_MAP: usize = 3;

/// The value, if it can be sent.
///
/// # Errors
/// It is nested too deeply.
pub fn sendable(value: AnyValue) -> Result<Val<'static>, Failure> {
    if !fits(&value, DEEPEST) {
        return Err(Failure::from("what is made of the text is nested more deeply than OTLP can be read"));
    }
    Ok(Val::from_owned(value))
}

fn fits(value: &AnyValue, left: usize) -> bool {
    match &value.value {
        Some(Value::ArrayValue(list)) => {
            let left = left.checked_sub(OF_LIST);
            left.is_some_and(|left| list.values.iter().all(|item| fits(item, left)))
        }
        Some(Value::KvlistValue(map)) => {
            let left = left.checked_sub(OF_MAP);
            left.is_some_and(|left| map.values.iter().filter_map(|e| e.value.as_ref()).all(|value| fits(value, left)))
        }
        _ => true,
    }
}
