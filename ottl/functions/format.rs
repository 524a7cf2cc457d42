//! `Format`: text with verbs, as Go's Sprintf.

use super::Kind::{Values, Word};
use super::{Failure, Function, converter, need};
use crate::call::Args;
use pipeline::double_text;

use crate::strings::as_text;
use crate::value::Val;

pub static FUNCTIONS: &[Function] = &[converter(
    "Format",
    &[need("format", Word), need("vals", Values)],
    "Values in a text with verbs, such as %05.2f.",
    format,
)];

/// The flags, width and precision of a verb.
#[derive(Default)]
struct Verb {
    minus: bool,
    plus: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

fn format<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let mut values = args.call.items(1).iter().map(|item| item.value(args.target));
    let mut out = String::new();
    let mut chars = args.call.word(0).unwrap_or_default().chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let verb = Verb::read(&mut chars);
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(letter) => match values.next().transpose()? {
                Some(value) => out.push_str(&verb.apply(letter, &value)),
                None => out.push_str(&format!("%!{letter}(MISSING)")),
            },
        }
    }
    let extra = values.map(|value| value.map(|value| format!("{}={}", go_type(&value), plain(&value))));
    let extra = extra.collect::<Result<Vec<_>, _>>()?;
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(Val::owned(out))
}

impl Verb {
    fn read(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Self {
        let mut verb = Self::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '0' | ' ' | '#')) {
            match flag {
                '-' => verb.minus = true,
                '+' => verb.plus = true,
                '0' => verb.zero = true,
                _ => {}
            }
        }
        verb.width = number(chars).unwrap_or(0).min(4096);
        if chars.next_if_eq(&'.').is_some() {
            verb.precision = Some(number(chars).unwrap_or(0).min(4096));
        }
        verb
    }

    fn apply(&self, letter: char, value: &Val<'_>) -> String {
        let text = match (letter, value) {
            ('d' | 'v', Val::Int(int)) => self.signed(int.to_string()),
            ('x', Val::Int(int)) => format!("{}{:x}", if *int < 0 { "-" } else { "" }, int.unsigned_abs()),
            ('X', Val::Int(int)) => format!("{}{:X}", if *int < 0 { "-" } else { "" }, int.unsigned_abs()),
            ('o', Val::Int(int)) => format!("{}{:o}", if *int < 0 { "-" } else { "" }, int.unsigned_abs()),
            ('b', Val::Int(int)) => format!("{}{:b}", if *int < 0 { "-" } else { "" }, int.unsigned_abs()),
            ('c', Val::Int(int)) => u32::try_from(*int).ok().and_then(char::from_u32).unwrap_or('\u{fffd}').into(),
            ('f' | 'F', Val::Double(double)) => self.signed(format!("{double:.*}", self.precision.unwrap_or(6))),
            ('e', Val::Double(double)) => self.signed(exponent(*double, self.precision.unwrap_or(6))),
            ('g' | 'v', Val::Double(double)) => self.signed(shortest(*double)),
            ('t' | 'v', Val::Bool(truth)) => truth.to_string(),
            ('s' | 'v', Val::Text(text)) => self.cut(text),
            ('q', Val::Text(text)) => format!("{text:?}"),
            ('x', Val::Text(text)) => crate::fields::ids::hex(text.as_bytes()),
            ('s' | 'v', Val::Nil) if letter == 'v' => "<nil>".to_owned(),
            ('v' | 's', Val::Map(_) | Val::List(_) | Val::Bytes(_)) => plain(value),
            (letter, value) => format!("%!{letter}({}={})", go_type(value), plain(value)),
        };
        self.padded(text, matches!(value, Val::Int(_) | Val::Double(_)))
    }

    fn cut(&self, text: &str) -> String {
        text.chars().take(self.precision.unwrap_or(usize::MAX)).collect()
    }

    fn signed(&self, text: String) -> String {
        if self.plus && !text.starts_with('-') { format!("+{text}") } else { text }
    }

    fn padded(&self, text: String, number: bool) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.minus {
            return text + &" ".repeat(missing);
        }
        if !self.zero || !number {
            return " ".repeat(missing) + &text;
        }
        let sign = text.len() - text.trim_start_matches(['-', '+']).len();
        format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
    }
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits.parse().ok()
}

/// An exponent has a sign and two digits.
fn exponent(double: f64, precision: usize) -> String {
    with_go_exponent(&format!("{double:.precision$e}"))
}

pub(super) fn shortest(double: f64) -> String {
    let size = double.abs();
    if size != 0.0 && size.is_finite() && !(1e-4..1e21).contains(&size) {
        return with_go_exponent(&format!("{double:e}"));
    }
    if double.is_infinite() {
        return if double > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    double_text(double)
}

fn with_go_exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text.to_owned() };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

fn go_type(value: &Val<'_>) -> &'static str {
    match value {
        Val::Nil => "<nil>",
        Val::Bool(_) => "bool",
        Val::Int(_) => "int64",
        Val::Double(_) => "float64",
        Val::Text(_) => "string",
        other => other.kind(),
    }
}

fn plain(value: &Val<'_>) -> String {
    match value {
        Val::Double(double) => shortest(*double),
        Val::Nil => "<nil>".to_owned(),
        other => as_text(other).into_owned(),
    }
}
