//! Globs: `*`, `?`, `[a-z]`, `[!a]`, `{one,other}` and a backslash before a plain character. With a separator `*` and `?`
//! stay within a part, and `**` does not.

use regex::Regex;

/// The regular expression that matches the same texts as a whole.
///
/// # Errors
/// Brackets that do not close.
pub fn regex(glob: &str, separator: Option<char>) -> Result<Regex, String> {
    let any = separator.map_or(".".to_owned(), |separator| format!("[^{}]", regex::escape(&separator.to_string())));
    let mut out = String::from("(?s)^");
    let (mut depth, mut chars) = (0usize, glob.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str(&format!("{any}*")),
            '?' => out.push_str(&any),
            '\\' => out.push_str(&regex::escape(&chars.next().ok_or("ends with a backslash")?.to_string())),
            '[' => out.push_str(&class(&mut chars)?),
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    if depth > 0 {
        return Err("has a { that is not closed".to_owned());
    }
    out.push('$');
    Regex::new(&out).map_err(|_| "is no glob".to_owned())
}

fn class(chars: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut inner = String::new();
    loop {
        match chars.next().ok_or("has a [ that is not closed")? {
            ']' => break,
            '!' if inner.is_empty() => inner.push('^'),
            '-' => inner.push('-'),
            c => inner.push_str(&regex::escape(&c.to_string())),
        }
    }
    Ok(format!("[{inner}]"))
}
