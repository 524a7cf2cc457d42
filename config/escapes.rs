//! Escapes of URLs.

/// Text whose `%20` are what they stand for; `None` where a `%` is not followed by two hexadecimal digits, or the
/// result is not UTF-8.
pub fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        // A sign would be taken for a digit.
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Text as a form or a query carries it: a space is `+`, what is no letter, digit or one of `-_.~` is escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{escaped, unescaped};

    #[test]
    fn what_is_escaped_comes_back() {
        let text = "a b&c=ä%";
        assert_eq!(escaped(text), "a+b%26c%3D%C3%A4%25");
        assert_eq!(unescaped(&escaped(text).replace('+', " ")).as_deref(), Some(text));
    }

    #[test]
    fn what_is_no_escape_is_none() {
        for text in ["%", "%4", "%zz", "%+1", "%ff"] {
            assert_eq!(unescaped(text), None, "{text}");
        }
    }
}
