//! Converters that make a truth.

use super::Kind::{Any, Pattern, Text};
use super::{Failure, Function, converter, need};
use crate::ottl::call::Args;
use crate::ottl::value::Val;

pub static FUNCTIONS: &[Function] = &[
    converter(
        "IsMatch",
        &[need("target", Any), need("pattern", Pattern)],
        "Whether a pattern is in the value as text.",
        is_match,
    ),
    converter("IsString", &[need("value", Any)], "Whether it is a string.", |a| is(a, |v| matches!(v, Val::Text(_)))),
    converter("IsBool", &[need("value", Any)], "Whether it is a bool.", |a| is(a, |v| matches!(v, Val::Bool(_)))),
    converter("IsInt", &[need("value", Any)], "Whether it is an int.", |a| is(a, |v| matches!(v, Val::Int(_)))),
    converter("IsDouble", &[need("value", Any)], "Whether it is a double.", |a| is(a, |v| matches!(v, Val::Double(_)))),
    converter("IsMap", &[need("value", Any)], "Whether it is a map.", |a| is(a, |v| matches!(v, Val::Map(_)))),
    converter("IsList", &[need("value", Any)], "Whether it is a list.", |a| is(a, |v| matches!(v, Val::List(_)))),
    converter("HasPrefix", &[need("target", Text), need("prefix", Text)], "Whether a text begins so.", has_prefix),
    converter("HasSuffix", &[need("target", Text), need("suffix", Text)], "Whether a text ends so.", has_suffix),
];

fn is<'a>(args: Args<'a, '_>, check: fn(&Val<'a>) -> bool) -> Result<Val<'a>, Failure> {
    Ok(Val::Bool(check(&args.value(0)?)))
}

fn is_match<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let Some(text) = args.text_like(0)? else { return Ok(Val::Bool(false)) };
    Ok(Val::Bool(args.pattern(1)?.is_match(&text)))
}

fn has_prefix<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    Ok(Val::Bool(args.text(0)?.starts_with(&*args.text(1)?)))
}

fn has_suffix<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    Ok(Val::Bool(args.text(0)?.ends_with(&*args.text(1)?)))
}
