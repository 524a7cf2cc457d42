//! Pages about the running service, for people who look at one node.
//!
//! ```yaml
//! zpages:
//!   endpoint: localhost:55679
//! ```
//!
//! Below `/debug/`: `servicez` says what runs since when and what has failed, `pipelinez` and `extensionz` list
//! what is configured, also after a reload, `featurez` lists the feature gates, `tracez` shows spans of kpulse
//! itself where `service::telemetry::traces` has processors, and `expvarz` (with `expvar::enabled`) has the command line and
//! the memory in use as JSON. Nothing is loaded from elsewhere, so the pages work on nodes without a way out.

mod html;
mod pages;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules};
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::{BuildError, Health, StartError, Tasks, Telemetry};
use tokio::sync::watch;
use transport::{HttpServerSettings, ListenSettings, Parts};

use crate::server::PageServer;
use pages::Pages;

config::settings! {
    /// Pages about the running service.
    pub struct Config (pub server: HttpServerSettings = server()) {
        /// Variables as JSON.
        pub expvar: Expvar = Expvar::default(),
    }
}

impl Rules for Config {
    fn rules(&self, _: &mut Decoder) {}
}

config::settings! {
    /// Variables as JSON.
    pub struct Expvar {
        /// Whether `/debug/expvarz` is there.
        pub enabled: bool = false,
    }
}

impl Rules for Expvar {}

fn server() -> HttpServerSettings {
    HttpServerSettings { listen: ListenSettings::tcp("localhost:55679"), ..HttpServerSettings::default() }
}

/// Its row in the extensions' table.
pub static FACTORY: ExtensionFactory = Factory {
    name: "zpages",
    alias: None,
    signals: &[],
    stability: Stability::Alpha,
    sample: "endpoint: localhost:55679\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExtensionConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Extension>, BuildError> {
        let server = PageServer::of(&cx, &self.server)?;
        Ok(Arc::new(Zpages { id: cx.id.to_string(), config: self.clone(), telemetry: cx.telemetry, server }))
    }
}

struct Zpages {
    id: String,
    config: Config,
    telemetry: Telemetry,
    server: PageServer,
}

#[async_trait]
impl Extension for Zpages {
    async fn start(&self, health: watch::Receiver<Health>, tasks: &mut Tasks) -> Result<(), StartError> {
        let pages = Pages::new(health, self.telemetry.clone(), &self.config);
        let handler = transport::pages::handler(&self.config.server, move |request: &Parts| pages.answer(request));
        self.server.start(&self.id, handler, tasks).await
    }
}
