//! Converters that make texts of texts.

use super::Kind::{Any, Flag, Int, OneOf, Text, Values, Word};
use super::{Failure, Function, converter, may, need};
use crate::call::Args;
use crate::strings::text_like;
use crate::value::Val;

pub static FUNCTIONS: &[Function] = &[
    converter("Concat", &[need("vals", Values), need("delimiter", Text)], "Texts put together.", concat),
    converter("String", &[need("target", Any)], "Any value as text.", string),
    converter("Split", &[need("target", Text), need("delimiter", Text)], "The parts of a text.", split),
    converter(
        "Substring",
        &[need("target", Text), need("start", Int), need("length", Int), may("utf8_safe", Flag)],
        "So many bytes of a text from a place.",
        substring,
    ),
    converter(
        "ConvertCase",
        &[need("target", Text), need("to_case", OneOf(&["lower", "upper", "snake", "camel"]))],
        "A text in another case.",
        |args| {
            let text = args.text(0)?;
            Ok(Val::owned(match args.call.word(1) {
                Some("lower") => text.to_lowercase(),
                Some("upper") => text.to_uppercase(),
                Some("snake") => snake(&text),
                _ => camel(&text),
            }))
        },
    ),
    converter("ToLowerCase", &[need("target", Text)], "In small letters.", |args| {
        Ok(Val::owned(args.text(0)?.to_lowercase()))
    }),
    converter("ToUpperCase", &[need("target", Text)], "In capital letters.", |args| {
        Ok(Val::owned(args.text(0)?.to_uppercase()))
    }),
    converter("ToSnakeCase", &[need("target", Text)], "In snake_case.", |args| Ok(Val::owned(snake(&args.text(0)?)))),
    converter("ToCamelCase", &[need("target", Text)], "In CamelCase.", |args| Ok(Val::owned(camel(&args.text(0)?)))),
    converter(
        "Trim",
        &[need("target", Text), may("replacement", Word)],
        "Without these characters at both ends.",
        trim,
    ),
    converter("TrimPrefix", &[need("target", Text), need("prefix", Text)], "Without a beginning.", |args| {
        let (text, prefix) = (args.text(0)?, args.text(1)?);
        Ok(Val::owned(text.strip_prefix(&*prefix).unwrap_or(&text).to_owned()))
    }),
    converter("TrimSuffix", &[need("target", Text), need("suffix", Text)], "Without an end.", |args| {
        let (text, suffix) = (args.text(0)?, args.text(1)?);
        Ok(Val::owned(text.strip_suffix(&*suffix).unwrap_or(&text).to_owned()))
    }),
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

fn split<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let (text, delimiter) = (args.text(0)?, args.text(1)?);
    if delimiter.is_empty() {
        return Ok(Val::texts(text.chars().map(String::from)));
    }
    Ok(Val::texts(text.split(&*delimiter).map(str::to_owned)))
}

fn substring<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let (text, start, length) = (args.text(0)?, args.int(1)?, args.int(2)?);
    let range = usize::try_from(start).ok().zip(usize::try_from(length).ok().filter(|length| *length > 0));
    let range = range.and_then(|(start, length)| Some((start, start.checked_add(length)?)));
    let Some((start, end)) = range.filter(|(_, end)| *end <= text.len()) else {
        return Err(Failure::from(format!("{length} bytes from {start} are not in a text of {}", text.len())));
    };
    // Half a character would be no text: it is left out even where the Collector would cut it.
    let start = text.ceil_char_boundary(start);
    let end = text.floor_char_boundary(end).max(start);
    Ok(Val::owned(text[start..end].to_owned()))
}

fn trim<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let set = args.call.word(1).unwrap_or(" ");
    Ok(Val::owned(args.text(0)?.trim_matches(|c| set.contains(c)).to_owned()))
}

/// What a byte is where cases change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    Capital,
    Small,
    Digit,
    Other,
}

fn letter(c: char) -> Letter {
    match c {
        'A'..='Z' => Letter::Capital,
        'a'..='z' => Letter::Small,
        '0'..='9' => Letter::Digit,
        _ => Letter::Other,
    }
}

/// Words are told apart by a change of case and between letters and digits; a row of capitals is one word.
fn snake(text: &str) -> String {
    let chars: Vec<char> = text.trim().chars().collect();
    let mut out = String::with_capacity(text.len() + 2);
    for (index, c) in chars.iter().copied().enumerate() {
        let (own, next) = (letter(c), chars.get(index + 1).map_or(Letter::Other, |next| letter(*next)));
        let before = index.checked_sub(1).map(|index| letter(chars[index]));
        if own == Letter::Capital && next == Letter::Small && before == Some(Letter::Capital) {
            out.push('_');
        }
        out.push(if matches!(c, ' ' | '_' | '-' | '.') { '_' } else { c.to_ascii_lowercase() });
        let changes = match (own, next) {
            (Letter::Other, _) | (_, Letter::Other) | (Letter::Capital, Letter::Small) => false,
            (own, next) => own != next,
        };
        if changes {
            out.push('_');
        }
    }
    out
}

fn camel(text: &str) -> String {
    let (mut out, mut begins, mut after_capital) = (String::with_capacity(text.len()), true, false);
    for c in text.trim().chars() {
        let own = letter(c);
        match own {
            Letter::Small if begins => out.push(c.to_ascii_uppercase()),
            Letter::Capital if !begins && after_capital => out.push(c.to_ascii_lowercase()),
            Letter::Other => {}
            _ => out.push(c),
        }
        begins = match own {
            Letter::Capital | Letter::Small => false,
            Letter::Digit => true,
            Letter::Other => matches!(c, '_' | ' ' | '-' | '.'),
        };
        after_capital = own == Letter::Capital;
    }
    out
}
