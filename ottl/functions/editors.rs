//! Editors of maps and lists, and the one that sets anything.

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::Kind::{Any, Flag, Int, Map, Number, OneOf, Path, Pattern, Text, Texts, Values};
use super::{Failure, Function, editor, may, need};
use crate::call::Call;
use crate::strings::as_text;
use crate::target::Target;
use crate::value::{Val, find};

pub static FUNCTIONS: &[Function] = &[
    editor("set", &[need("target", Path), need("value", Any)], "Sets it; nil changes nothing.", set),
    editor("delete_key", &[need("target", Path), need("key", Text)], "Removes an entry of a map.", delete_key),
    editor(
        "delete_matching_keys",
        &[need("target", Path), need("pattern", Pattern)],
        "Removes entries of a map whose key has the pattern in it.",
        delete_matching_keys,
    ),
    editor("keep_keys", &[need("target", Path), need("keys", Texts)], "Removes all other entries.", keep_keys),
    editor(
        "keep_matching_keys",
        &[need("target", Path), need("pattern", Pattern)],
        "Removes entries of a map whose key has not the pattern in it.",
        keep_matching_keys,
    ),
    editor(
        "limit",
        &[need("target", Path), need("limit", Number), need("priority_keys", Texts)],
        "Keeps so many entries of a map, those with priority before others.",
        limit,
    )
    .checked(|call| match usize::try_from(call.number(1).unwrap_or(0)) {
        Err(_) => Err("the limit is negative".into()),
        Ok(limit) if limit < call.items(2).len() => Err("the limit is below the number of keys with priority".into()),
        Ok(_) => Ok(()),
    }),
    editor(
        "truncate_all",
        &[need("target", Path), need("limit", Number), may("utf8_safe", Flag)],
        "Cuts the texts of a map to so many bytes, never within a character.",
        truncate_all,
    )
    .checked(|call| if call.number(1) < Some(0) { Err("the limit is negative".into()) } else { Ok(()) }),
    editor(
        "merge_maps",
        &[need("target", Path), need("source", Map), need("strategy", OneOf(&["insert", "update", "upsert"]))],
        "Puts the entries of another map into a map.",
        merge_maps,
    ),
    editor("stringify_all", &[need("target", Path)], "Makes every value of a map a text.", stringify_all),
    editor(
        "append",
        &[need("target", Path), may("value", Any), may("values", Values)],
        "Puts values at the end of a list; a plain value becomes its first item.",
        append,
    ),
    editor(
        "delete_index",
        &[need("target", Path), need("start_index", Int), may("end_index", Int)],
        "Removes a place of a list, or those from start to before end.",
        delete_index,
    ),
];

fn set(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    match call.on(target).value(1)?.detach() {
        Val::Nil => Ok(()),
        value => call.path(0)?.set(target, value),
    }
}

/// The map that argument 0 names.
pub(super) fn map<'a>(call: &Call, target: &'a mut Target<'_>) -> Result<&'a mut Vec<KeyValue>, Failure> {
    call.path(0)?.map_mut(target)?.ok_or_else(|| Failure::from("there is no map to change"))
}

fn delete_key(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let key = call.on(target).text(1)?.into_owned();
    map(call, target)?.retain(|entry| entry.key != key);
    Ok(())
}

fn delete_matching_keys(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let pattern = call.on(target).pattern(1)?.into_owned();
    map(call, target)?.retain(|entry| !pattern.is_match(&entry.key));
    Ok(())
}

fn keep_matching_keys(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let pattern = call.on(target).pattern(1)?.into_owned();
    map(call, target)?.retain(|entry| pattern.is_match(&entry.key));
    Ok(())
}

/// The texts of a list that is written out.
pub(super) fn texts(call: &Call, index: usize, target: &Target<'_>) -> Result<Vec<String>, Failure> {
    call.items(index).iter().map(|item| item.value(target)?.into_text()).collect()
}

fn keep_keys(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let keys = texts(call, 1, target)?;
    map(call, target)?.retain(|entry| keys.contains(&entry.key));
    Ok(())
}

fn limit(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let keys = texts(call, 2, target)?;
    let limit = usize::try_from(call.number(1).unwrap_or(0)).map_err(|_| Failure::from("a negative limit"))?;
    if limit < keys.len() {
        return Err(Failure::from("a limit below the number of keys with priority"));
    }
    let map = map(call, target)?;
    if map.len() <= limit {
        return Ok(());
    }
    let mut kept = keys.iter().filter(|key| find(map, key).is_some()).count();
    map.retain(|entry| {
        let prior = keys.contains(&entry.key);
        let other = !prior && kept < limit;
        kept += usize::from(other);
        prior || other
    });
    Ok(())
}

fn truncate_all(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let limit = usize::try_from(call.number(1).unwrap_or(0)).map_err(|_| Failure::from("a negative limit"))?;
    for entry in map(call, target)? {
        if let Some(AnyValue { value: Some(Value::StringValue(text)) }) = &mut entry.value {
            text.truncate(text.floor_char_boundary(limit));
        }
    }
    Ok(())
}

fn merge_maps(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let source = call.on(target).map(1)?.into_owned();
    let strategy = call.word(2).unwrap_or("upsert").to_owned();
    let map = map(call, target)?;
    for entry in source {
        match map.iter_mut().find(|known| known.key == entry.key) {
            Some(known) if strategy != "insert" => known.value = entry.value,
            None if strategy != "update" => map.push(entry),
            _ => {}
        }
    }
    Ok(())
}

fn stringify_all(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    for entry in map(call, target)? {
        let text = as_text(&Val::of(entry.value.as_ref())).into_owned();
        entry.value = Some(AnyValue { value: Some(Value::StringValue(text)) });
    }
    Ok(())
}

fn append(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let args = call.on(target);
    if !args.has(1) && !args.has(2) {
        return Err(Failure::from("needs value or values"));
    }
    let mut list = match call.path(0)?.value(target)? {
        Val::Nil => Vec::new(),
        Val::List(list) => list.into_owned(),
        plain @ (Val::Text(_) | Val::Int(_) | Val::Double(_) | Val::Bool(_)) => vec![plain.into_any()?],
        other => return Err(other.unexpected("a list or a plain value")),
    };
    if args.has(1) {
        list.push(args.value(1)?.into_any()?);
    }
    for item in call.items(2) {
        list.push(item.value(target)?.into_any()?);
    }
    call.path(0)?.set(target, Val::List(list.into()))
}

fn delete_index(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let args = call.on(target);
    let start = args.int(1)?;
    let end = if args.has(2) { args.int(2)? } else { start.saturating_add(1) };
    let mut list = match call.path(0)?.value(target)? {
        Val::List(list) => list.into_owned(),
        other => return Err(other.unexpected("a list")),
    };
    let place = |index: i64| usize::try_from(index).ok().filter(|index| *index <= list.len());
    match (place(start), place(end)) {
        (Some(start), Some(end)) if start <= end && (start < list.len() || end == 0) => drop(list.drain(start..end)),
        _ => return Err(Failure::from(format!("places {start} to {end} are not in a list of {}", list.len()))),
    }
    call.path(0)?.set(target, Val::List(list.into()))
}
