//! Which web pages may send requests (CORS).

use config::{Decoder, Rules};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request};

config::settings! {
    /// Which web pages may send requests.
    pub struct Cors {
        /// The origins of the pages; `*` stands for anything, also within one.
        pub allowed_origins: Vec<String> = Vec::new(),
        /// Request headers that pages may set besides the harmless ones; `*` allows all.
        pub allowed_headers: Vec<String> = Vec::new(),
        /// Answer headers that pages may see besides the harmless ones.
        pub exposed_headers: Vec<String> = Vec::new(),
        /// For how many seconds a browser may remember the answer; 0 leaves it to the browser.
        pub max_age: u32 = 0,
    }
}

impl Rules for Cors {
    fn rules(&self, decoder: &mut Decoder) {
        for (key, names) in [("allowed_headers", &self.allowed_headers), ("exposed_headers", &self.exposed_headers)] {
            for name in names.iter().filter(|name| HeaderName::try_from(name.as_str()).is_err()) {
                decoder.at(key, |d| d.error(format!("{name:?} cannot be the name of a header")));
            }
        }
    }
}

/// What browsers may always set.
const HARMLESS: [&str; 4] = ["accept", "content-type", "x-requested-with", "origin"];
const METHODS: &str = "GET, POST, HEAD";

impl Cors {
    /// The headers that answer a page's request; empty if it comes from none, or from one that is not allowed.
    pub fn headers<B>(&self, request: &Request<B>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Some(origin) = request.headers().get(header::ORIGIN).filter(|_| !self.allowed_origins.is_empty()) else {
            return headers;
        };
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        if !self.allows(origin) {
            return headers;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if is_preflight(request) {
            self.preflight(request.headers(), &mut headers);
        } else if let (false, Ok(exposed)) =
            (self.exposed_headers.is_empty(), self.exposed_headers.join(", ").try_into())
        {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        headers
    }

    fn preflight(&self, asked: &HeaderMap, headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).filter(|names| self.allows_all(names)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        if self.max_age > 0 {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.into());
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.allowed_origins.iter().any(|allowed| fits(&allowed.to_lowercase(), &origin.to_lowercase()))
    }

    fn allows_all(&self, names: &HeaderValue) -> bool {
        let allowed = |name: &str| {
            let own = self.allowed_headers.iter().any(|own| own == "*" || own.eq_ignore_ascii_case(name));
            own || HARMLESS.iter().any(|harmless| harmless.eq_ignore_ascii_case(name))
        };
        names.to_str().is_ok_and(|names| names.split(',').map(str::trim).all(allowed))
    }
}

/// Whether a browser asks before it sends the request itself.
pub fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Whether a pattern with at most one `*` fits.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
    }
}
