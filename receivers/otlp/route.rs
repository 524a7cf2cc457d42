//! What a request's path and content type say, read as the Collector's HTTP library reads them.

use transport::Uri;
use transport::header::HeaderValue;

/// Where a request should have gone whose path has empty parts or dots; clients that add `/v1/logs` to an address with a
/// slash at its end send `//v1/logs`.
pub fn detour(uri: &Uri) -> Option<HeaderValue> {
    let path = uri.path();
    let plain = plain(path);
    if plain == path {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    HeaderValue::try_from(plain + &query).ok()
}

fn plain(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

/// The media type without its parameters; `None` where these cannot be read (RFC 9110, 5.6.6).
pub fn media_type(text: &str) -> Option<&str> {
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let mut names = Vec::new();
    for parameter in parameters.split(';').map(str::trim).filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=')?;
        let name = name.trim_end().to_ascii_lowercase();
        if !is_token(&name) || !(is_token(value.trim_start()) || is_quoted(value.trim_start())) {
            return None;
        }
        if names.contains(&name) {
            return None;
        }
        names.push(name);
    }
    Some(kind.trim())
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_quoted(text: &str) -> bool {
    text.len() > 1 && text.starts_with('"') && text.ends_with('"')
}

#[cfg(test)]
mod tests {
    use super::{detour, media_type};

    #[test]
    fn a_path_with_empty_parts_or_dots_leads_to_the_plain_one() {
        let to = |uri: &str| detour(&uri.parse().unwrap()).map(|place| place.to_str().unwrap().to_owned());
        assert_eq!(to("//v1/logs").as_deref(), Some("/v1/logs"));
        assert_eq!(to("/a/.././v1//logs/?x=1").as_deref(), Some("/v1/logs/?x=1"));
        assert_eq!(to("/../..").as_deref(), Some("/"));
        for plain in ["/", "/v1/logs", "/v1/logs/", "/v1/...", "/v1/logs?x=//"] {
            assert_eq!(to(plain), None, "{plain}");
        }
    }

    #[test]
    fn parameters_of_a_media_type_have_to_be_readable() {
        let good = ["a/b", "a/b;", "a/b; charset=utf-8", "a/b;x=\"y z\"; y=1", " a/b ; x = y"];
        assert!(good.iter().all(|text| media_type(text) == Some("a/b")));
        for bad in ["a/b;x", "a/b;=", "a/b;=y", "a/b; x=1; X=2", "a/b; x=\"y", "a/b;x=y z", "a/b;x="] {
            assert_eq!(media_type(bad), None, "{bad}");
        }
    }
}
