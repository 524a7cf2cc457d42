//! `ExtractGrokPatterns`: regular expressions put together from patterns with names.

mod dictionary;

use std::collections::HashMap;

use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;
use regex::{Regex, RegexBuilder};

use super::Kind::{Flag, Text, Words};
use super::parsers::of_text;
use super::{Failure, Function, converter, may, need};
use crate::call::{Arg, Args, Call};
use crate::compile::last_line;
use crate::expr::Expr;
use crate::value::{Val, find_or_insert};

/// The rows.
pub static FUNCTIONS: &[Function] = &[converter(
    "ExtractGrokPatterns",
    &[need("target", Text), need("pattern", Text), may("named_captures_only", Flag), may("pattern_definitions", Words)],
    "The map of what the parts of a Grok expression match.",
    extract,
)
.prepared(prepare)];

/// Deeper than this patterns do not stand in each other.
const DEEPEST: usize = 32;
/// A longer expression is a mistake, in bytes.
const LONGEST: usize = 1 << 20;
/// What a compiled expression may take, in bytes.
const LARGEST: usize = 64 << 20;
/// What stands for a full stop in a name of a group.
const STOP: &str = "___";

/// An expression that is ready to be used.
#[derive(Debug)]
pub struct Grok {
    regex: Regex,
    /// The groups that have a name.
    names: Vec<(usize, String)>,
    /// Names of groups with the type that is wanted of them.
    types: HashMap<String, String>,
}

/// An expression that is written out is compiled once.
fn prepare(call: &mut Call) -> Result<(), String> {
    let definitions = definitions(call)?;
    let Some(pattern) = call.word(1) else { return Ok(()) };
    let grok = Grok::new(pattern, call.flag(2), &definitions)?;
    call.args[1] = Arg::Grok(Box::new(grok));
    Ok(())
}

/// Patterns that the configuration defines: `NAME=pattern`.
fn definitions(call: &Call) -> Result<HashMap<&str, &str>, String> {
    let written = call.items(3).iter().filter_map(|item| match item {
        Expr::Literal(Val::Text(text)) => Some(&**text),
        _ => None,
    });
    written
        .map(|text| match text.split_once('=') {
            None => Err(format!("pattern definition {text:?} is not of the form NAME=pattern")),
            Some((name, _)) if name.contains(':') => Err(format!("the name of pattern {name:?} has a colon")),
            Some(pair) => Ok(pair),
        })
        .collect()
}

fn extract<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    if let Some(grok) = args.call.grok(1) {
        return grok.parse(&args.text(0)?);
    }
    let definitions = definitions(args.call)?;
    Grok::new(&args.text(1)?, args.call.flag(2), &definitions)?.parse(&args.text(0)?)
}

impl Grok {
    fn new(pattern: &str, named_only: bool, definitions: &HashMap<&str, &str>) -> Result<Self, String> {
        let mut types = HashMap::new();
        let mut text = String::new();
        Expansion { named_only, definitions, types: &mut types }.expand(pattern, 0, &mut text)?;
        let (text, names) = numbered(&text);
        let regex = RegexBuilder::new(&text).size_limit(LARGEST).build();
        let regex = regex.map_err(|error| format!("{pattern:?} makes no regular expression: {}", last_line(&error)))?;
        if named_only && names.is_empty() {
            return Err(format!("{pattern:?} names nothing to capture, such as %{{WORD:name}}"));
        }
        let groups = regex.capture_names().enumerate().filter_map(|(group, name)| name.map(|_| group));
        let names = groups.zip(names).collect();
        Ok(Self { regex, names, types })
    }

    /// What the groups match; nothing of a text that does not match.
    fn parse(&self, text: &str) -> Result<Val<'static>, Failure> {
        let mut map = Vec::new();
        let Some(captures) = self.regex.captures(text) else { return Ok(Val::Map(map.into())) };
        for (group, name) in &self.names {
            let Some(found) = captures.get(*group).filter(|found| !found.is_empty()) else { continue };
            let value = typed(found.as_str(), self.types.get(name).map(String::as_str))?;
            *find_or_insert(&mut map, &name.replace(STOP, ".")) = value;
        }
        Ok(Val::Map(map.into()))
    }
}

/// The expression with a name of its own for each group, and what they were called: names may come twice.
fn numbered(text: &str) -> (String, Vec<String>) {
    let (mut out, mut names, mut rest) = (String::with_capacity(text.len()), Vec::new(), text);
    while let Some(at) = rest.find("(?") {
        let behind = &rest[at + 2..];
        let escapes = rest[..at].len() - rest[..at].trim_end_matches('\\').len();
        let name = behind.strip_prefix("P<").or_else(|| behind.strip_prefix('<')).and_then(|name| name.split_once('>'));
        out.push_str(&rest[..at + 2]);
        rest = behind;
        if let (Some((name, after)), true) = (name, escapes % 2 == 0) {
            out.push_str(&format!("P<g{}>", names.len()));
            names.push(name.to_owned());
            rest = after;
        }
    }
    out.push_str(rest);
    (out, names)
}

fn typed(text: &str, wanted: Option<&str>) -> Result<AnyValue, Failure> {
    let value = match wanted {
        None | Some("string") => return Ok(of_text(text)),
        Some("int" | "long") => text.parse().ok().map(Value::IntValue),
        Some("float" | "double") => text.parse().ok().map(Value::DoubleValue),
        Some("bool" | "boolean") => match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Value::BoolValue(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Value::BoolValue(false)),
            _ => None,
        },
        Some(other) => {
            return Err(Failure::from(format!(
                "{other:?} is no type; known are string, int, long, float, double, bool"
            )));
        }
    };
    let value =
        value.ok_or_else(|| Failure::from(format!("{text:?} is not of type {}", wanted.unwrap_or_default())))?;
    Ok(AnyValue { value: Some(value) })
}

/// Patterns are put in for their names.
struct Expansion<'a> {
    named_only: bool,
    definitions: &'a HashMap<&'a str, &'a str>,
    types: &'a mut HashMap<String, String>,
}

impl Expansion<'_> {
    fn expand(&mut self, pattern: &str, depth: usize, out: &mut String) -> Result<(), String> {
        if depth > DEEPEST || out.len() > LONGEST {
            return Err("a Grok pattern that contains itself, or is too long".to_owned());
        }
        let mut rest = pattern;
        while let Some(at) = rest.find("%{") {
            out.push_str(&rest[..at]);
            match Reference::read(&rest[at + 2..]) {
                Some((reference, after)) => {
                    self.put(&reference, depth, out)?;
                    rest = after;
                }
                None => {
                    out.push_str("%{");
                    rest = &rest[at + 2..];
                }
            }
        }
        out.push_str(rest);
        Ok(())
    }

    fn put(&mut self, reference: &Reference<'_>, depth: usize, out: &mut String) -> Result<(), String> {
        let own = self.definitions.get(reference.pattern).map(|pattern| (*pattern).to_owned());
        let pattern = own.or_else(|| dictionary::find(reference.pattern)).ok_or_else(|| unknown(reference.pattern))?;
        let name = reference.name.unwrap_or(reference.pattern).replace('.', STOP);
        if let Some(wanted) = reference.wanted {
            self.types.insert(name.clone(), wanted.to_owned());
        }
        match reference.name {
            None if self.named_only => out.push('('),
            _ => out.push_str(&format!("(?P<{name}>")),
        }
        self.expand(&pattern, depth + 1, out)?;
        out.push(')');
        Ok(())
    }
}

fn unknown(name: &str) -> String {
    let hint = config::nearest(name, dictionary::names()).map(|near| format!("; did you mean {near}?"));
    let hint = hint.unwrap_or_else(|| "; give it in pattern_definitions as NAME=pattern".to_owned());
    format!("Grok pattern {name} is not known{hint}")
}

/// `%{PATTERN:name:type}`.
struct Reference<'a> {
    pattern: &'a str,
    name: Option<&'a str>,
    wanted: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Reads one behind its `%{`, and gives what stands behind it; `None` if it is none.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let (inner, after) = text.split_once('}')?;
        let mut parts = inner.split(':');
        let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let dotted = |part: &str| word(&part.replace(['.', '+'], "_"));
        let pattern = parts.next().filter(|part| word(part))?;
        let (name, wanted) = (parts.next(), parts.next());
        let good = name.is_none_or(dotted) && wanted.is_none_or(word) && parts.next().is_none();
        good.then_some((Self { pattern, name, wanted }, after))
    }
}
