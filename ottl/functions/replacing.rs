//! Editors that replace texts: by a regular expression what matches, by a glob the whole text.

use std::borrow::Cow;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use regex::{Captures, Regex};

use super::Kind::{Converter, Glob, OneOf, Path, Pattern, Text};
use super::editors::map;
use super::{Failure, Function, Run, editor, may, need};
use crate::call::{Arg, Args, Call};
use crate::expr::Expr;
use crate::target::Target;
use crate::value::{Val, find_or_insert};

pub static FUNCTIONS: &[Function] = &[
    editor(
        "replace_pattern",
        &[
            need("target", Path),
            need("regex_pattern", Pattern),
            need("replacement", Text),
            may("function", Converter),
            may("replacement_format", Text),
        ],
        "Replaces what a pattern matches in a text; $1 or ${name} is what a group matched.",
        replace_pattern,
    ),
    editor(
        "replace_all_patterns",
        &[
            need("target", Path),
            need("mode", OneOf(&["key", "value"])),
            need("regex_pattern", Pattern),
            need("replacement", Text),
            may("function", Converter),
            may("replacement_format", Text),
        ],
        "Replaces what a pattern matches in the keys or the texts of a map.",
        replace_all_patterns,
    ),
    editor(
        "replace_match",
        &[
            need("target", Path),
            need("pattern", Glob),
            need("replacement", Text),
            may("function", Converter),
            may("replacement_format", Text),
        ],
        "Replaces a text that a glob matches.",
        replace_match,
    ),
    editor(
        "replace_all_matches",
        &[
            need("target", Path),
            need("pattern", Glob),
            need("replacement", Text),
            may("function", Converter),
            may("replacement_format", Text),
        ],
        "Replaces the texts of a map that a glob matches.",
        replace_all_matches,
    ),
];

/// What is put in place of a match.
struct Replacement<'a, 't> {
    args: Args<'a, 't>,
    text: Cow<'a, str>,
    function: Option<&'static Function>,
    format: Option<Cow<'a, str>>,
}

impl<'a, 't> Replacement<'a, 't> {
    /// Its three arguments, of which `first` is the text.
    fn new(args: Args<'a, 't>, first: usize) -> Result<Self, Failure> {
        let format = args.has(first + 2).then(|| args.text(first + 2)).transpose()?;
        if format.as_ref().is_some_and(|format| format.replacen("%s", "", 1).contains('%') || !format.contains("%s")) {
            return Err(Failure::from("replacement_format must have one %s and no other verb"));
        }
        Ok(Self { args, text: args.text(first)?, function: args.call.function(first + 1), format })
    }

    /// The text that a converter makes of `text`, in its format; without a converter the text itself.
    fn made(&self, text: String) -> Result<String, Failure> {
        let Some(function) = self.function else { return Ok(text) };
        let Run::Converter(_) = function.run else { return Err(Failure::from("not a converter")) };
        let mut args = vec![Arg::Expr(Expr::Literal(Val::owned(text)))];
        args.resize_with(function.params.len().max(1), || Arg::Missing);
        let made = Call { function, args }.value(self.args.target)?.into_text()?;
        Ok(self.format.as_ref().map_or(made.clone(), |format| format.replacen("%s", &made, 1)))
    }

    fn in_place_of_matches(&self, regex: &Regex, text: &str) -> Result<String, Failure> {
        if self.function.is_none() {
            return Ok(regex.replace_all(text, &*self.text).into_owned());
        }
        let mut failure = None;
        let replaced = regex.replace_all(text, |captures: &Captures<'_>| {
            let mut expanded = String::new();
            captures.expand(&self.text, &mut expanded);
            self.made(expanded).unwrap_or_else(|error| {
                failure = Some(error);
                String::new()
            })
        });
        failure.map_or(Ok(replaced.into_owned()), Err)
    }
}

fn replace_pattern(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let args = call.on(target);
    let Val::Text(text) = args.value(0)? else { return Ok(()) };
    let regex = args.pattern(1)?;
    if !regex.is_match(&text) {
        return Ok(());
    }
    let replaced = Replacement::new(args, 2)?.in_place_of_matches(&regex, &text)?;
    call.path(0)?.set(target, Val::owned(replaced))
}

fn replace_all_patterns(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let args = call.on(target);
    let regex = args.pattern(2)?;
    let replacement = Replacement::new(args, 3)?;
    let mut entries = args.map(0)?.into_owned();
    if call.word(1) == Some("key") {
        entries = with_keys_replaced(entries, &regex, &replacement);
    } else {
        for entry in &mut entries {
            if let Some(AnyValue { value: Some(Value::StringValue(text)) }) = &mut entry.value
                && let (true, Ok(new)) = (regex.is_match(text), replacement.in_place_of_matches(&regex, text))
            {
                *text = new;
            }
        }
    }
    *map(call, target)? = entries;
    Ok(())
}

fn with_keys_replaced(entries: Vec<KeyValue>, regex: &Regex, replacement: &Replacement<'_, '_>) -> Vec<KeyValue> {
    let mut renamed = Vec::with_capacity(entries.len());
    for entry in entries {
        let key = match regex.is_match(&entry.key) {
            true => replacement.in_place_of_matches(regex, &entry.key),
            false => Ok(entry.key),
        };
        if let (Ok(key), Some(value)) = (key, entry.value) {
            *find_or_insert(&mut renamed, &key) = value;
        }
    }
    renamed
}

fn replace_match(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let args = call.on(target);
    let Val::Text(text) = args.value(0)? else { return Ok(()) };
    if !args.pattern(1)?.is_match(&text) {
        return Ok(());
    }
    let replacement = Replacement::new(args, 2)?;
    let new = replacement.made(replacement.text.clone().into_owned())?;
    call.path(0)?.set(target, Val::owned(new))
}

fn replace_all_matches(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let args = call.on(target);
    let glob = args.pattern(1)?.into_owned();
    let replacement = Replacement::new(args, 2)?;
    let new = replacement.made(replacement.text.clone().into_owned())?;
    for entry in map(call, target)? {
        if let Some(AnyValue { value: Some(Value::StringValue(text)) }) = &mut entry.value
            && glob.is_match(text)
        {
            text.clone_from(&new);
        }
    }
    Ok(())
}
