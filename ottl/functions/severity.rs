//! `ParseSeverity`: names of levels by tables that a configuration writes out.

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::Kind::{Any, Map};
use super::{Failure, Function, converter, need};
use crate::call::Args;
use crate::value::{Val, find};

pub static FUNCTIONS: &[Function] = &[converter(
    "ParseSeverity",
    &[need("target", Any), need("mapping", Map)],
    "The name whose list has the text (equals), or has the number in a range.",
    parse_severity,
)];

fn parse_severity<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let (value, levels) = (args.value(0)?, args.map(1)?);
    let levels: Vec<(&str, Vec<Criterion<'_>>)> =
        levels.iter().map(|level| Ok((&*level.key, criteria(level)?))).collect::<Result<_, Failure>>()?;
    for (level, criteria) in levels {
        for criterion in criteria {
            if criterion.fits(&value)? {
                return Ok(Val::owned(level.to_owned()));
            }
        }
    }
    Err(Failure::from("no level has this value"))
}

/// What makes a level.
struct Criterion<'a> {
    texts: Vec<&'a str>,
    range: Option<(i64, i64)>,
}

impl Criterion<'_> {
    fn fits(&self, value: &Val<'_>) -> Result<bool, Failure> {
        match value {
            Val::Text(text) => Ok(self.texts.contains(&&**text)),
            Val::Int(int) => Ok(self.range.is_some_and(|(min, max)| (min..=max).contains(int))),
            other => Err(other.unexpected("a string or an int")),
        }
    }
}

fn criteria(level: &KeyValue) -> Result<Vec<Criterion<'_>>, Failure> {
    let Some(Value::ArrayValue(list)) = level.value.as_ref().and_then(|value| value.value.as_ref()) else {
        return Err(Failure::from(format!("level {:?} is no list", level.key)));
    };
    list.values.iter().map(criterion).collect()
}

fn criterion(value: &AnyValue) -> Result<Criterion<'_>, Failure> {
    let Some(Value::KvlistValue(map)) = &value.value else {
        return Err(Failure::from("what makes a level is a map"));
    };
    let texts = find(&map.values, "equals").map_or(Ok(Vec::new()), texts)?;
    let range = find(&map.values, "range").map(range).transpose()?;
    Ok(Criterion { texts, range })
}

fn texts(value: &AnyValue) -> Result<Vec<&str>, Failure> {
    let text = |item| match item {
        &AnyValue { value: Some(Value::StringValue(ref text)) } => Ok(&**text),
        _ => Err(Failure::from("equals is a list of strings")),
    };
    match &value.value {
        Some(Value::ArrayValue(list)) => list.values.iter().map(text).collect(),
        _ => Err(Failure::from("equals is a list of strings")),
    }
}

fn range(value: &AnyValue) -> Result<(i64, i64), Failure> {
    match &value.value {
        Some(Value::StringValue(text)) => match &**text {
            "2xx" => Ok((200, 299)),
            "3xx" => Ok((300, 399)),
            "4xx" => Ok((400, 499)),
            "5xx" => Ok((500, 599)),
            _ => Err(Failure::from("a range is 2xx, 3xx, 4xx, 5xx, or has min and max")),
        },
        Some(Value::KvlistValue(map)) => {
            let end = |key| match find(&map.values, key).and_then(|end| end.value.as_ref()) {
                Some(Value::IntValue(int)) => Ok(*int),
                _ => Err(Failure::from("a range has min and max, which are ints")),
            };
            Ok((end("min")?, end("max")?))
        }
        _ => Err(Failure::from("a range is a map or one of 2xx, 3xx, 4xx, 5xx")),
    }
}
