//! Halves of characters. JavaScript counts in halves, so a text that it has cut to a length may end in one, and its
//! JSON then has an escape that stands for nothing.

/// The text with the replacement character for each such half, as the Collector reads it; `None` if there is none.
pub fn replaced(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut kept = 0;
    while let Some(found) = rest.find('\\') {
        let at = text.len() - rest.len() + found;
        let escape = &text[at..];
        let length = match half(escape) {
            Some(High) if escape.get(6..).and_then(half) == Some(Low) => 12,
            Some(_) => {
                out += &text[kept..at];
                out += "\\ufffd";
                kept = at + 6;
                6
            }
            None => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        rest = &escape[length..];
    }
    (kept > 0).then(|| out + &text[kept..])
}

#[derive(PartialEq)]
enum Half {
    High,
    Low,
}

use Half::{High, Low};

/// Which half an escape at the beginning stands for.
fn half(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(High),
        0xdc00..=0xdfff => Some(Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn only_halves_without_the_other_are_replaced() {
        for (text, wanted) in [
            (r"a\ud83d", r"a\ufffd"),
            (r"\ude00\ud83dé", r"\ufffd\ufffdé"),
            (r"\uD83D\uD83D\uDE00\n", r"\ufffd\uD83D\uDE00\n"),
            (r"\\ud83d \ud83d\\", r"\\ud83d \ufffd\\"),
        ] {
            assert_eq!(replaced(text).as_deref(), Some(wanted), "{text}");
        }
        for whole in [r"\ud83d\ude00", r"\\ud83d", r"\u00e9", "é", r"\ud8", "\\"] {
            assert_eq!(replaced(whole), None, "{whole}");
        }
    }
}
