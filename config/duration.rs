//! Durations in Go's spelling.

use std::time::Duration;

use crate::decode::{Decode, Decoder};
use crate::encode::Secrets;
use crate::node::{Node, Value};

/// Units in nanoseconds, longest spelling first where one begins another.
const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl Decode for Duration {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let parsed = match &node.value {
            Value::String(text) => parse_duration(text),
            // As in the Collector, a bare integer counts nanoseconds.
            Value::Int(ns) => u64::try_from(*ns).map(Duration::from_nanos).map_err(|_| "must not be negative".into()),
            _ => {
                decoder.mismatch("a duration such as \"10s\" or \"1h30m\"", node);
                return default;
            }
        };
        parsed.unwrap_or_else(|message: String| {
            decoder.error(message);
            default
        })
    }

    fn null(_: Self) -> Self {
        Duration::ZERO
    }

    fn encode(&self, _: Secrets) -> Node {
        Node::text(print_duration(*self))
    }
}

/// Parses `1h30m`, `1.5s`, `+250ms`, `0`.
///
/// # Errors
/// What is wrong with it and how it is written.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let bad = |why: &str| format!("invalid duration {text:?}: {why}; write a number with ns, us, ms, s, m or h");
    if let Some(positive) = text.strip_prefix('-') {
        return match parse_duration(positive)? {
            Duration::ZERO => Ok(Duration::ZERO),
            _ => Err(format!("duration {text:?} must not be negative")),
        };
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(bad("it is empty"));
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(|| bad("a unit is missing"))?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(bad(&format!("unknown unit {unit:?}")));
        };
        total += scaled(number, *scale).ok_or_else(|| bad("not a number"))?;
        rest = tail;
    }
    u64::try_from(total)
        .ok()
        .filter(|ns| *ns <= i64::MAX as u64)
        .map(Duration::from_nanos)
        .ok_or_else(|| bad("too long"))
}

/// A decimal number times `scale`, exact, fractions of a nanosecond cut off.
fn scaled(number: &str, scale: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 19 {
        return None;
    }
    let mut result = if whole.is_empty() { 0 } else { whole.parse::<u128>().ok()? } * u128::from(scale);
    let mut place = u128::from(scale);
    for digit in fraction.bytes() {
        place /= 10;
        result += u128::from(digit - b'0') * place;
    }
    Some(result)
}

/// Go's spelling: `1h30m0s`, `1.5s`, `200ms`, `0s`.
pub fn print_duration(duration: Duration) -> String {
    let ns = duration.as_nanos();
    match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(ns, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(ns, 1_000_000)),
        _ => {
            let minutes = ns / 60_000_000_000;
            let seconds = decimal(ns % 60_000_000_000, 1_000_000_000);
            match minutes {
                0 => format!("{seconds}s"),
                1..60 => format!("{minutes}m{seconds}s"),
                _ => format!("{}h{}m{seconds}s", minutes / 60, minutes % 60),
            }
        }
    }
}

fn decimal(value: u128, scale: u128) -> String {
    let fraction = value % scale;
    if fraction == 0 {
        return (value / scale).to_string();
    }
    let width = scale.ilog10() as usize;
    format!("{}.{fraction:0width$}", value / scale).trim_end_matches('0').to_owned()
}
