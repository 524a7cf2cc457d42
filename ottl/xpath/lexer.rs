//! The words of an expression.

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A sign, such as `/`, `::` or `!=`.
    Sign(&'static str),
    /// A name with what stands before its colon; `*` as a name when a prefix stands before it.
    Name(String, String),
    /// A text in quotes.
    Text(String),
    /// A number.
    Number(f64),
}

/// The longer ones first.
const SIGNS: [&str; 22] = [
    "//", "::", "..", "!=", "<=", ">=", "/", "@", ".", "(", ")", "[", "]", "*", "+", "-", "=", "<", ">", "|", ",", "$",
];

/// All words with their places.
pub fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let (mut out, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let (token, used) = match first {
            '"' | '\'' => quoted(rest, first).ok_or_else(|| format!("a text that is not closed at byte {at}"))?,
            '0'..='9' => number(rest)?,
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => number(rest)?,
            c if begins_name(c) => qualified(rest),
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => return Err(format!("{first:?} at byte {at} means nothing here")),
            },
        };
        out.push((at, token));
        rest = rest[used..].trim_start();
    }
    Ok(out)
}

fn quoted(rest: &str, quote: char) -> Option<(Token, usize)> {
    let end = rest[1..].find(quote)?;
    Some((Token::Text(rest[1..=end].to_owned()), end + 2))
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let fraction = rest[digits..]
        .strip_prefix('.')
        .map_or(0, |rest| 1 + rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len());
    let text = &rest[..digits + fraction];
    text.parse().map(|number| (Token::Number(number), text.len())).map_err(|_| format!("{text:?} is no number"))
}

fn begins_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn name(rest: &str) -> &str {
    let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.')).unwrap_or(rest.len());
    &rest[..end]
}

/// A colon belongs to a name if another name or a star stands right behind it; two of them name an axis.
fn qualified(rest: &str) -> (Token, usize) {
    let first = name(rest);
    let plain = (Token::Name(String::new(), first.to_owned()), first.len());
    let Some(behind) = rest[first.len()..].strip_prefix(':') else { return plain };
    let local = if behind.starts_with('*') { "*" } else { name(behind) };
    if local.is_empty() || !(local == "*" || local.starts_with(begins_name)) {
        return plain;
    }
    (Token::Name(first.to_owned(), local.to_owned()), first.len() + 1 + local.len())
}
