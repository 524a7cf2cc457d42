//! Says over HTTP whether the service works, for probes of Kubernetes and load balancers.
//!
//! ```yaml
//! health_check:
//!   endpoint: localhost:13133
//!   path: /
//! ```
//!
//! 200 with `{"status":"Server available","upSince":...,"uptime":...}` once every component has started, 503 before that
//! and from the beginning of the stop. One thing more than the Collector's: 503 also when a task of a component has died,
//! and then the body names it under `faults`. Every method is answered; a path that ends in `/` stands for
//! everything below it. `auth`, `cors` and `response_headers` count as with every server (the Collector takes them without
//! effect here).

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, print_duration};
use jiff::Timestamp;
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::{BuildError, Health, Phase, StartError, Tasks};
use serde_json::json;
use tokio::sync::watch;
use transport::pages::{self, Page};
use transport::{HttpServerSettings, ListenSettings, Parts, StatusCode};

use crate::server::PageServer;

config::settings! {
    /// Says over HTTP whether the service works.
    pub struct Config (pub server: HttpServerSettings = server()) {
        /// Where the answer is.
        pub path: String = "/".into(),
        /// Bodies of your own.
        pub response_body: Option<ResponseBody> = None,
        /// Taken from the Collector's files; it has no effect there either.
        pub check_collector_pipeline: CheckPipeline = CheckPipeline::default(),
    }
}

/// As in the Collector each probe has its own connection and no time is limited; that of a request's headers is all the same.
fn server() -> HttpServerSettings {
    HttpServerSettings {
        listen: ListenSettings::tcp("localhost:13133"),
        read_header_timeout: Duration::ZERO,
        write_timeout: Duration::ZERO,
        idle_timeout: Duration::ZERO,
        keep_alives_enabled: false,
        ..HttpServerSettings::default()
    }
}

/// A probe that sends no headers for so long is sent away, if nothing else is set.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if !self.path.starts_with('/') {
            decoder.at("path", |d| d.error(format!("must start with /, is {:?}", self.path)));
        }
    }
}

config::settings! {
    /// Bodies instead of the JSON object.
    pub struct ResponseBody {
        /// What is said with 200.
        pub healthy: String = String::new(),
        /// What is said with 503.
        pub unhealthy: String = String::new(),
    }
}

impl Rules for ResponseBody {}

config::settings! {
    /// Settings without effect.
    pub struct CheckPipeline {
        /// Without effect.
        pub enabled: bool = false,
        /// Without effect.
        pub interval: String = "5m".into(),
        /// Without effect.
        pub exporter_failure_threshold: u32 = 5,
    }
}

impl Rules for CheckPipeline {}

/// Its row in the extensions' table.
pub static FACTORY: ExtensionFactory = Factory {
    name: "health_check",
    alias: None,
    signals: &[],
    stability: Stability::Alpha,
    sample: "endpoint: localhost:13133\npath: /\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExtensionConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Extension>, BuildError> {
        let mut settings = self.server.clone();
        if settings.read_header_timeout.is_zero() {
            settings.read_header_timeout = HEADERS_TIMEOUT;
        }
        let server = PageServer::of(&cx, &settings)?;
        Ok(Arc::new(HealthCheck { id: cx.id.to_string(), config: Arc::new(self.clone()), server }))
    }
}

struct HealthCheck {
    id: String,
    config: Arc<Config>,
    server: PageServer,
}

#[async_trait]
impl Extension for HealthCheck {
    async fn start(&self, health: watch::Receiver<Health>, tasks: &mut Tasks) -> Result<(), StartError> {
        let config = self.config.clone();
        let page = move |request: &Parts| config.answer(request, &health.borrow());
        self.server.start(&self.id, pages::handler(&self.config.server, page), tasks).await
    }
}

impl Config {
    fn answer(&self, request: &Parts, health: &Health) -> Page {
        let asked = request.uri.path();
        let below = self.path.ends_with('/') && asked.starts_with(&self.path);
        if asked != self.path && !below {
            return Page::text(StatusCode::NOT_FOUND, format!("the health is at {}\n", self.path));
        }
        let good = health.is_good();
        let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        match &self.response_body {
            Some(body) if good => Page::text(status, body.healthy.clone()),
            Some(body) => Page::text(status, body.unhealthy.clone()),
            None => Page::new(status, "application/json", describe(health)),
        }
    }
}

/// The Collector's object; with `faults` if there are any.
fn describe(health: &Health) -> String {
    let (since, uptime) = match health.phase {
        Phase::Ready { since, at } => (Timestamp::try_from(since).ok(), print_duration(at.elapsed())),
        Phase::Starting | Phase::Stopping => (None, String::new()),
    };
    let since = since.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |since| since.to_string());
    let status = if health.is_good() { "Server available" } else { "Server not available" };
    let faults = match health.faults.as_slice() {
        [] => String::new(),
        faults => format!(",\"faults\":{}", json!(faults)),
    };
    // In the Collector's order of keys, for those who compare text.
    format!(r#"{{"status":{},"upSince":{},"uptime":{}{faults}}}"#, json!(status), json!(since), json!(uptime))
}
