//! Which web pages may send requests (CORS).

use config::{Decoder, Rules};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request};

config::settings! {
    /// Which web pages may send requests.
    pub struct Cors {
        /// The origins of the pages; `*` stands for anything, also within one. None: pages are not looked at.
        pub allowed_origins: Vec<String> = Vec::new(),
        /// Request headers that pages may set; `*` allows all. None: `accept`, `content-type` and `x-requested-with`.
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

/// What pages may set where the settings name nothing.
const HARMLESS: [&str; 3] = ["accept", "content-type", "x-requested-with"];
/// What pages may do; asking is always allowed.
const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS];
/// On what the answer to a question depends, for those that keep answers.
const ASKED: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
const ALL: &str = "*";

impl Cors {
    /// Whether any page is allowed; otherwise requests of pages are like all others.
    pub fn is_on(&self) -> bool {
        !self.allowed_origins.is_empty()
    }

    /// The headers that answer a page's request. One that comes from no page, or from one that is not allowed, is told
    /// only that answers depend on the page.
    pub fn headers<B>(&self, request: &Request<B>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !self.is_on() {
            return headers;
        }
        if is_preflight(request) {
            headers.insert(header::VARY, HeaderValue::from_static(ASKED));
            self.preflight(request.headers(), &mut headers);
            return headers;
        }
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.allowed(request.headers()).filter(|_| METHODS.contains(request.method())) else {
            return headers;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if let (false, Ok(exposed)) = (self.exposed_headers.is_empty(), self.exposed_headers.join(", ").try_into()) {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        headers
    }

    /// All that is asked for has to be allowed; otherwise nothing is.
    fn preflight(&self, asked: &HeaderMap, headers: &mut HeaderMap) {
        let Some(origin) = self.allowed(asked) else { return };
        let method = asked.get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let Some(method) = method.filter(|asked| METHODS.iter().any(|own| own.as_str() == *asked)) else { return };
        let names = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).filter(|names| !names.is_empty());
        if names.is_some_and(|names| !self.allows_all(names)) {
            return;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        if let Some(names) = names {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if self.max_age > 0 {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.into());
        }
    }

    /// The origin as the answer names it.
    fn allowed(&self, asked: &HeaderMap) -> Option<HeaderValue> {
        let origin = asked.get(header::ORIGIN)?;
        if self.allowed_origins.iter().any(|own| own == ALL) {
            return Some(HeaderValue::from_static(ALL));
        }
        let text = origin.to_str().ok()?.to_lowercase();
        self.allowed_origins.iter().any(|own| fits(&own.to_lowercase(), &text)).then(|| origin.clone())
    }

    /// Browsers ask in lower case.
    fn allows_all(&self, names: &HeaderValue) -> bool {
        let allowed = |name: &str| match &self.allowed_headers[..] {
            [] => HARMLESS.contains(&name),
            own => own.iter().any(|own| own == ALL || own.to_lowercase() == name),
        };
        names.to_str().is_ok_and(|names| names.split(',').map(str::trim).all(|name| name.is_empty() || allowed(name)))
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

#[cfg(test)]
mod tests {
    use super::{ALL, Cors, Request};

    fn ask(cors: &Cors, method: &str, names: &str) -> Vec<String> {
        let request = Request::options("/").header("origin", "http://Page.example");
        let request = request.header("access-control-request-method", method);
        let headers = cors.headers(&request.header("access-control-request-headers", names).body(()).unwrap());
        let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        ["origin", "methods", "headers"].map(|what| text(&format!("access-control-allow-{what}"))).to_vec()
    }

    #[test]
    fn a_page_is_answered_with_what_it_asked_for_or_with_nothing() {
        let allowed_origins = vec!["http://*.example".to_owned()];
        let cors = Cors { allowed_origins: allowed_origins.clone(), ..Cors::default() };
        assert_eq!(ask(&cors, "POST", "content-type"), ["http://Page.example", "POST", "content-type"]);
        assert_eq!(ask(&cors, "GET", ""), ["http://Page.example", "GET", ""]);
        for (method, names) in [("PUT", ""), ("post", ""), ("POST", "Content-Type"), ("POST", "x-key")] {
            assert_eq!(ask(&cors, method, names), ["", "", ""], "{method} {names}");
        }
        let named = Cors { allowed_headers: vec!["X-Key".to_owned()], allowed_origins, ..Cors::default() };
        assert_eq!(ask(&named, "POST", "x-key")[2], "x-key");
        assert_eq!(ask(&named, "POST", "content-type,x-key"), ["", "", ""], "only what is named");
        let all = |text: &str| vec![text.to_owned()];
        let any = Cors { allowed_headers: all(ALL), allowed_origins: all(ALL), ..Cors::default() };
        assert_eq!(ask(&any, "POST", "x-other"), ["*", "POST", "x-other"]);
    }

    #[test]
    fn whoever_keeps_answers_is_told_that_they_depend_on_the_page() {
        let cors = Cors { allowed_origins: vec!["http://a".to_owned()], ..Cors::default() };
        let headers = cors.headers(&Request::post("/").body(()).unwrap());
        assert_eq!((headers.len(), &headers["vary"]), (1, &"Origin".parse().unwrap()));
        let foreign = cors.headers(&Request::post("/").header("origin", "http://b").body(()).unwrap());
        assert_eq!(foreign, headers);
    }
}
