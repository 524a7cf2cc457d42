//! Converters that make texts of texts.

use super::Kind::{Any, Text, Values};
use super::{Failure, Function, converter, need};
use crate::ottl::call::Args;
use crate::ottl::strings::text_like;
use crate::ottl::value::Val;

pub static FUNCTIONS: &[Function] = &[
    converter("Concat", &[need("vals", Values), need("delimiter", Text)], "Texts put together.", concat),
    converter("String", &[need("value", Any)], "Any value as text.", string),
];

fn concat<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let delimiter = args.text(1)?;
    let mut out = String::new();
    for (index, item) in args.call.items(0).iter().enumerate() {
        if index > 0 {
            out.push_str(&delimiter);
        }
        let text = text_like(item.value(args.target)?)?;
        out.push_str(text.as_deref().unwrap_or("<nil>"));
    }
    Ok(Val::owned(out))
}

fn string<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    Ok(args.text_like(0)?.map_or(Val::Nil, Val::Text))
}
