//! Converters of maps and lists.

use std::cmp::Ordering;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::Kind::{Any, List, Map, OneOf, Texts, Values};
use super::editors::texts;
use super::{Failure, Function, converter, may, need};
use crate::call::Args;
use crate::compare::Comparator;
use crate::strings::as_text;
use crate::value::{Val, find, find_or_insert};

pub static FUNCTIONS: &[Function] = &[
    converter("Len", &[need("target", Any)], "How many bytes, items or entries it has.", len),
    converter("Keys", &[need("target", Map)], "The keys of a map.", |args| {
        Ok(Val::texts(args.map(0)?.iter().map(|entry| entry.key.clone())))
    }),
    converter("Values", &[need("target", Map)], "The values of a map.", |args| {
        Ok(Val::List(args.map(0)?.iter().map(|entry| entry.value.clone().unwrap_or_default()).collect()))
    }),
    converter("Coalesce", &[need("values", Values)], "The first of them that is not nil.", coalesce),
    converter("ContainsValue", &[need("target", List), need("item", Any)], "Whether an item is in a list.", contains),
    converter("Index", &[need("target", Any), need("value", Any)], "Where it is in a text or list, or -1.", index),
    converter(
        "Sort",
        &[need("target", List), may("order", OneOf(&["asc", "desc"]))],
        "A list in order; numbers by size, mixed items as text.",
        sort,
    ),
    converter(
        "SliceToMap",
        &[need("target", List), may("key_path", Texts), may("value_path", Texts)],
        "A list as a map, by place or by what stands at a path in each item.",
        slice_to_map,
    ),
];

fn len<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let length = match args.value(0)? {
        Val::Text(text) => text.len(),
        Val::Bytes(bytes) => bytes.len(),
        Val::Map(map) => map.len(),
        Val::List(list) => list.len(),
        Val::Items(count) => count,
        other => return Err(other.unexpected("a text, map or list")),
    };
    Ok(Val::Int(length as i64))
}

fn coalesce<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    for item in args.call.items(0) {
        match item.value(args.target)? {
            Val::Nil => {}
            value => return Ok(value),
        }
    }
    Ok(Val::Nil)
}

fn place(list: &[AnyValue], wanted: &Val<'_>) -> Option<usize> {
    list.iter().position(|item| Comparator::Equal.holds(&Val::of(Some(item)), wanted))
}

fn contains<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    Ok(Val::Bool(place(&args.list(0)?, &args.value(1)?).is_some()))
}

fn index<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let found = match args.value(0)? {
        Val::Text(text) => text.find(&*args.text(1)?),
        Val::List(list) => place(&list, &args.value(1)?),
        other => return Err(other.unexpected("a text or list")),
    };
    Ok(Val::Int(found.map_or(-1, |place| place as i64)))
}

fn sort<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let mut list = args.list(0)?.into_owned();
    let number = |item: &AnyValue| matches!(item.value, Some(Value::IntValue(_) | Value::DoubleValue(_)));
    let nested = |item: &AnyValue| {
        matches!(item.value, Some(Value::ArrayValue(_) | Value::KvlistValue(_) | Value::BytesValue(_)))
    };
    if list.iter().any(nested) {
        return Ok(Val::List(list.into()));
    }
    if list.iter().all(number) {
        list.sort_by(|a, b| size(a).partial_cmp(&size(b)).unwrap_or(Ordering::Equal));
    } else {
        list.sort_by_cached_key(|item| as_text(&Val::of(Some(item))).into_owned());
    }
    if args.call.word(1) == Some("desc") {
        list.reverse();
    }
    Ok(Val::List(list.into()))
}

fn size(item: &AnyValue) -> f64 {
    match item.value {
        Some(Value::IntValue(int)) => int as f64,
        Some(Value::DoubleValue(double)) => double,
        _ => 0.0,
    }
}

fn slice_to_map<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let path = |index| args.has(index).then(|| texts(args.call, index, args.target)).transpose();
    let (keys, values) = (path(1)?, path(2)?);
    let mut map: Vec<KeyValue> = Vec::new();
    for (index, item) in args.list(0)?.iter().enumerate() {
        let key = match keys.as_ref().map(|path| at(item, path)).transpose()? {
            None => index.to_string(),
            Some(key) => Val::of(Some(key)).into_text()?,
        };
        let value = values.as_ref().map_or(Ok(item), |path| at(item, path))?;
        *find_or_insert(&mut map, &key) = value.clone();
    }
    Ok(Val::Map(map.into()))
}

fn at<'v>(item: &'v AnyValue, path: &[String]) -> Result<&'v AnyValue, Failure> {
    path.iter().try_fold(item, |item, key| match &item.value {
        Some(Value::KvlistValue(map)) => {
            find(&map.values, key).ok_or_else(|| Failure::from(format!("an item has no {key:?}")))
        }
        _ => Err(Failure::from(format!("an item has no {key:?}"))),
    })
}
