//! URLs as Go's net/url takes them apart.

use crate::Failure;

/// The parts of a URL; empty where there is none.
#[derive(Debug, Default)]
pub struct Url {
    /// The whole, with its scheme in small letters.
    pub original: String,
    /// Before the colon.
    pub scheme: String,
    /// The name and the password as they are written.
    pub user_info: String,
    /// Who asks, if anybody is named.
    pub name: Option<String>,
    /// The password, if there is a colon for one.
    pub password: Option<String>,
    /// Without its port and without the brackets of an IPv6 address.
    pub host: String,
    /// Behind the host.
    pub port: Option<i64>,
    /// Decoded.
    pub path: String,
    /// As it is written.
    pub query: String,
    /// Decoded.
    pub fragment: String,
}

impl Url {
    /// Takes a text apart.
    ///
    /// # Errors
    /// It is no URL.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(Failure::from("a URL with a control character"));
        }
        let mut url = Self::default();
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        url.fragment = decoded(fragment)?;
        let (scheme, rest) = scheme(rest)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let before_query = text.find(['?', '#']).unwrap_or(text.len());
        query.clone_into(&mut url.query);
        url.original = format!("{}{}", url.scheme, &text[scheme.len()..]);
        // What is no path, such as mailto:a@b, has no parts.
        if !scheme.is_empty() && !rest.starts_with('/') {
            return Ok(url);
        }
        if scheme.is_empty() && rest.split('/').next().is_some_and(|first| first.contains(':')) {
            return Err(Failure::from("the first part of a path has a colon"));
        }
        let path = match rest.strip_prefix("//").filter(|_| !rest.starts_with("///") || !scheme.is_empty()) {
            Some(behind) => {
                let end = behind.find('/').unwrap_or(behind.len());
                url.authority(&behind[..end])?;
                &behind[end..]
            }
            None => rest,
        };
        url.path = decoded(path)?;
        if !path.bytes().all(stays_in_path) {
            let end = url.original.len() - (text.len() - before_query);
            url.original.replace_range(end - path.len()..end, &encoded(&url.path));
        }
        Ok(url)
    }

    fn authority(&mut self, text: &str) -> Result<(), Failure> {
        let (user, host) = text.rsplit_once('@').map_or((None, text), |(user, host)| (Some(user), host));
        if let Some(user) = user {
            user.clone_into(&mut self.user_info);
            let (name, password) = user.split_once(':').map_or((user, None), |(name, word)| (name, Some(word)));
            self.name = Some(decoded(name)?);
            self.password = password.map(decoded).transpose()?;
        }
        let (name, port) = match host.strip_prefix('[') {
            Some(inner) => {
                let (name, behind) =
                    inner.split_once(']').ok_or_else(|| Failure::from("a bracket of the host is not closed"))?;
                (name, behind.strip_prefix(':').or((!behind.is_empty()).then_some("?")))
            }
            None => host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
        };
        if name.contains([' ', '<', '>', '"']) || (name.contains(':') && !host.starts_with('[')) {
            return Err(Failure::from("a host with a character that it cannot have"));
        }
        self.host = decoded(name)?;
        self.port = match port.filter(|port| !port.is_empty()) {
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().map_err(|_| Failure::from("a port out of range"))?)
            }
            Some(port) => return Err(Failure::from(format!("{port:?} is no port"))),
            None => None,
        };
        Ok(())
    }
}

/// The scheme, empty if there is none, and what follows.
fn scheme(text: &str) -> Result<(&str, &str), Failure> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'));
    match end.map(|end| (&text[..end], &text[end..])) {
        Some(("", rest)) if rest.starts_with(':') => Err(Failure::from("a URL without its scheme")),
        Some((scheme, rest)) if rest.starts_with(':') && scheme.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Ok((scheme, &rest[1..]))
        }
        _ => Ok(("", text)),
    }
}

/// Whether a byte may stand in the path of a URL as it is.
fn stays_in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~/%!$&'()*+,;=:@[]".contains(&byte)
}

/// A path for a URL.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    for byte in path.bytes() {
        match byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// With `%41` as `A`.
///
/// # Errors
/// A percent sign without two digits, or what is no text then.
pub fn decoded(text: &str) -> Result<String, Failure> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(value.ok_or_else(|| Failure::from("a percent sign without two hexadecimal digits"))?);
        rest = &tail[2..];
    }
    String::from_utf8(out).map_err(|_| Failure::from("a URL that is no text when it is decoded"))
}
