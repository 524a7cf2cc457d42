//! Converters that make a truth.

use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;

use super::Kind::{Any, Pattern, Text, Word};
use super::{Failure, Function, Run, converter, need};
use crate::call::Args;
use crate::fields::attributes_of_points;
use crate::target::{Context, Item};
use crate::value::{Val, find};

pub static FUNCTIONS: &[Function] = &[
    converter(
        "IsMatch",
        &[need("target", Any), need("pattern", Pattern)],
        "Whether a pattern is in the value as text.",
        is_match,
    ),
    converter("IsString", &[need("target", Any)], "Whether it is a string.", |a| is(a, |v| matches!(v, Val::Text(_)))),
    converter("IsBool", &[need("target", Any)], "Whether it is a bool.", |a| is(a, |v| matches!(v, Val::Bool(_)))),
    converter("IsInt", &[need("target", Any)], "Whether it is an int.", |a| is(a, |v| matches!(v, Val::Int(_)))),
    converter("IsDouble", &[need("target", Any)], "Whether it is a double.", |a| {
        is(a, |v| matches!(v, Val::Double(_)))
    }),
    converter("IsMap", &[need("target", Any)], "Whether it is a map.", |a| is(a, |v| matches!(v, Val::Map(_)))),
    converter("IsList", &[need("target", Any)], "Whether it is a list.", |a| is(a, |v| matches!(v, Val::List(_)))),
    converter("HasPrefix", &[need("target", Text), need("prefix", Text)], "Whether a text begins so.", has_prefix),
    converter("HasSuffix", &[need("target", Text), need("suffix", Text)], "Whether a text ends so.", has_suffix),
    Function {
        name: "IsRootSpan",
        params: &[],
        about: "Whether the span has no parent.",
        contexts: &[Context::Span],
        run: Run::Converter(is_root_span),
        check: super::unchecked,
        prepare: super::nothing,
    },
    Function {
        name: "HasAttrKeyOnDatapoint",
        params: &[need("key", Word)],
        about: "Whether a data point of the metric has such an attribute.",
        contexts: &[Context::Metric],
        run: Run::Converter(has_key_on_point),
        check: super::unchecked,
        prepare: super::nothing,
    },
    Function {
        name: "HasAttrOnDatapoint",
        params: &[need("key", Word), need("expected_val", Word)],
        about: "Whether the first data point with such an attribute has this value there.",
        contexts: &[Context::Metric],
        run: Run::Converter(has_value_on_point),
        check: super::unchecked,
        prepare: super::nothing,
    },
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

fn is_root_span<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    match &args.target.item {
        Item::Span(span) | Item::SpanEvent(span, _) => Ok(Val::Bool(span.parent_span_id.iter().all(|byte| *byte == 0))),
        _ => Err(Failure::from("not a span")),
    }
}

/// The value that the first data point with the attribute has.
fn on_point<'a>(args: Args<'a, '_>) -> Result<Option<&'a AnyValue>, Failure> {
    let (Item::Metric(metric), Some(key)) = (&args.target.item, args.call.word(0)) else {
        return Err(Failure::from("not a metric"));
    };
    let Some(data) = &metric.data else { return Err(Failure::from("a metric without a type")) };
    Ok(attributes_of_points(data).into_iter().find_map(|attributes| find(attributes, key)))
}

fn has_key_on_point<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    Ok(Val::Bool(on_point(args)?.is_some()))
}

fn has_value_on_point<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let wanted = args.call.word(1).unwrap_or_default();
    let is = |value: &AnyValue| match &value.value {
        Some(Value::StringValue(text)) => text == wanted,
        _ => wanted.is_empty(),
    };
    Ok(Val::Bool(on_point(args)?.is_some_and(is)))
}
