//! What an `endpoint` may be.

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};

use crate::proxy::login;

/// A URL with its scheme and host, for HTTP.
///
/// # Errors
/// What is missing.
pub fn url(text: &str) -> Result<Uri, String> {
    let wrong = |why: &str| format!("must be a URL such as \"https://host:4318\", is {text:?}: {why}");
    let uri: Uri = text.parse().map_err(|e| wrong(&format!("{e}")))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        (Some("http" | "https"), _) => Err(wrong("there is no host")),
        _ => Err(wrong("it must begin with http:// or https://")),
    }
}

/// `host:port` for gRPC, possibly after `http://`, `https://`, `dns:///` or `passthrough:///`. The scheme of the result says whether
/// TLS is spoken: with `https://`, and otherwise when `tls` is wanted.
///
/// # Errors
/// What is missing.
pub fn target(text: &str, tls: bool) -> Result<Uri, String> {
    let wrong = |why: &str| format!("must be host:port, is {text:?}: {why}");
    if text.starts_with("unix:") {
        return Err(wrong("unix sockets are not supported"));
    }
    let starts = |prefix: &&&str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let prefix = ["https://", "http://", "dns:///", "dns://", "passthrough:///"].iter().find(starts);
    let bare = prefix.and_then(|prefix| text.get(prefix.len()..));
    let authority: Authority =
        bare.unwrap_or(text).trim_end_matches('/').parse().map_err(|e| wrong(&format!("{e}")))?;
    if authority.host().is_empty() {
        return Err(wrong("there is no host"));
    }
    authority.port_u16().ok_or_else(|| wrong("there is no numeric port"))?;
    let scheme = if tls || prefix == Some(&"https://") { Scheme::HTTPS } else { Scheme::HTTP };
    let parts = Uri::builder().scheme(scheme).authority(authority).path_and_query(PathAndQuery::from_static("/"));
    parts.build().map_err(|e| wrong(&e.to_string()))
}

/// A URL without `user:password@`, and these as the header `Authorization` has them.
pub fn apart(url: Uri) -> (Uri, Option<HeaderValue>) {
    let Some(login) = login(&url) else { return (url, None) };
    let bare = url.authority().and_then(|authority| Some(authority.as_str().rsplit_once('@')?.1.to_owned()));
    match bare.and_then(|bare| with_authority(&url, &bare).ok()) {
        Some(bare) => (bare, Some(login)),
        None => (url, Some(login)),
    }
}

/// `base` with another host, and port if there is one.
///
/// # Errors
/// A name that is none.
pub fn with_authority(base: &Uri, authority: &str) -> Result<Uri, String> {
    let mut parts = base.clone().into_parts();
    parts.authority = Some(authority.parse().map_err(|e| format!("{authority:?} is not a host name: {e}"))?);
    Uri::from_parts(parts).map_err(|e| e.to_string())
}

/// `base` with another path.
///
/// # Errors
/// A path that is none.
pub fn with_path(base: &Uri, path: &str) -> Result<Uri, String> {
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(path.parse().map_err(|e| format!("{path:?} is not a path: {e}"))?);
    Uri::from_parts(parts).map_err(|e| e.to_string())
}
