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
use pipeline::{Authenticator, BuildError, Health, StartError, Tasks, Telemetry, lets_in};
use tokio::sync::watch;
use transport::{Auth, Handler, HttpServerSettings, ListenSettings, Said, gated};

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
        let auth = self.server.auth.get();
        let gate = auth.map(|auth| Ok((auth.clone(), cx.authenticator(&auth.authenticator)?))).transpose()?;
        Ok(Arc::new(Zpages { id: cx.id.to_string(), config: self.clone(), telemetry: cx.telemetry, gate }))
    }
}

struct Zpages {
    id: String,
    config: Config,
    telemetry: Telemetry,
    /// Who lets people in.
    gate: Option<(Auth, Arc<dyn Authenticator>)>,
}

#[async_trait]
impl Extension for Zpages {
    async fn start(&self, health: watch::Receiver<Health>, tasks: &mut Tasks) -> Result<(), StartError> {
        let server = self.config.server.open().await.map_err(|error| StartError(error.to_string()))?;
        let pages = Arc::new(Pages::new(health, self.telemetry.clone(), &self.config));
        let mut stop = tasks.stop();
        let name = format!("{} on {}", self.id, self.config.server.listen.endpoint);
        let mut handler: Arc<Handler> = Arc::new(move |request, _| pages.answer(request.uri()));
        if let Some((auth, gate)) = self.gate.clone() {
            let asked = move |said: Said| lets_in(gate.clone(), move |name| said.get(name));
            handler = gated(handler, auth, Arc::new(move |said| Box::pin(asked(said))));
        }
        tasks.spawn(name, async move { server.serve(handler, stop.requested()).await });
        Ok(())
    }
}
