//! What a client says of itself, and servers that ask for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use config::unescaped;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response, StatusCode};

use super::{Auth, Handler, HttpServerSettings};
use crate::{Chunks, Cors, is_preflight};

/// The headers of a request, and those of its parameters that count as headers.
#[derive(Clone, Debug)]
pub struct Said {
    headers: HeaderMap,
    parameters: Vec<(String, String)>,
}

impl Said {
    /// What this request says, with the parameters that the settings name.
    pub fn by<B>(request: &Request<B>, auth: &Auth) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let plain = |text: &str| unescaped(&text.replace('+', " "));
        let parameters = pairs.filter_map(|(name, value)| Some((plain(name)?, plain(value)?)));
        let parameters = parameters.filter(|(name, _)| auth.request_params.contains(name)).collect();
        Self { headers: request.headers().clone(), parameters }
    }

    /// One value of this name, in any case.
    pub fn get(&self, name: &str) -> Option<String> {
        let parameter = self.parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        let header = || self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        parameter.map(|(_, value)| value.clone()).or_else(header)
    }
}

/// Lets a client in, or says why not.
pub type Gate = dyn Fn(Said) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync;

/// A server of pages that lets in whom the gate lets in; others get 401 and the reason.
pub fn gated(handler: Arc<Handler>, settings: &HttpServerSettings, gate: Arc<Gate>) -> Arc<Handler> {
    let auth = settings.auth.get().cloned().unwrap_or_default();
    let answers_browsers = settings.cors.get().is_some_and(Cors::is_on);
    Arc::new(move |request, caller| {
        // A browser asks first whether it may ask, and says nothing then. Where web pages are not looked at that is a
        // request like others, and is answered with the page.
        if answers_browsers && is_preflight(&request) {
            return handler(request, caller);
        }
        let (handler, caller, asked) = (handler.clone(), caller.clone(), gate(Said::by(&request, &auth)));
        Box::pin(async move {
            match asked.await {
                Ok(()) => handler(request, &caller).await,
                Err(why) => refused(why),
            }
        })
    })
}

fn refused(why: String) -> Response<Chunks> {
    let mut response = Response::new(Chunks::new([(why + "\n").into()]));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use config::Section;
    use hyper::StatusCode;

    use super::{Auth, Said, gated};
    use crate::pages::{Page, handler};
    use crate::{Chunks, Client, Connections, Cors, HttpServerSettings, ListenSettings, TlsSettings, Version};

    /// What a browser's question without credentials is answered, by a server of pages that lets in nobody.
    async fn preflight(allowed_origins: &[&str]) -> StatusCode {
        let allowed_origins = allowed_origins.iter().map(ToString::to_string).collect();
        let settings = HttpServerSettings {
            listen: ListenSettings::tcp("127.0.0.1:0"),
            cors: Section::On(Cors { allowed_origins, ..Cors::default() }),
            ..HttpServerSettings::default()
        };
        let pages = handler(&settings, |_| Page::text(StatusCode::OK, "secret"));
        let pages = gated(pages, &settings, Arc::new(|_| Box::pin(async { Err("nobody".to_owned()) })));
        let server = settings.open().await.unwrap();
        let request = hyper::Request::options(format!("http://{}/", server.address().unwrap()))
            .header("origin", "http://page.example")
            .header("access-control-request-method", "GET")
            .body(Chunks::default());
        let client = Client::open(&TlsSettings::default(), false, Version::Any, Connections::default()).unwrap();
        tokio::select! {
            () = server.serve(pages, std::future::pending()) => panic!("the server has ended"),
            answer = client.send(request.unwrap()) => answer.unwrap().status,
        }
    }

    #[tokio::test]
    async fn only_where_web_pages_are_looked_at_a_browsers_question_needs_no_credentials() {
        assert_eq!(preflight(&["http://page.example"]).await, StatusCode::NO_CONTENT);
        assert_eq!(preflight(&[]).await, StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn a_parameter_that_is_asked_for_wins_over_a_header_and_others_do_not_count() {
        let request = hyper::Request::get("/x?token=a%20b+c&other=1").header("token", "h").header("other", "2");
        let auth = Auth { request_params: vec!["token".into()], ..Auth::default() };
        let said = Said::by(&request.body(()).unwrap(), &auth);
        assert_eq!((said.get("Token").as_deref(), said.get("OTHER").as_deref()), (Some("a b c"), Some("2")));
        assert!(said.get("absent").is_none());
    }
}
