//! Tokens for exporters from an OAuth 2.0 server, by client id and secret (RFC 6749, 4.4).
//!
//! ```yaml
//! oauth2client:
//!   client_id: agent
//!   client_secret_file: /run/secrets/oauth2
//!   token_url: https://example.com/oauth2/default/v1/token
//!   scopes: [api.metrics]
//! ```
//!
//! An exporter names it: `auth: {authenticator: oauth2client}`. A token is asked for with the first request and used until
//! `expiry_buffer` before its end. Id and secret are said in the header Authorization; where the server does not want that,
//! in the form. What cannot be had now is tried again with the batch. Of the grants only `client_credentials` is there.

mod answer;
mod fetch;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use config::{Decode, Decoder, Opaque, Rules};
use indexmap::IndexMap;
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::{BuildError, Credentials, HeaderStep, Health, Origin, StartError, Tasks};
use tokio::sync::{Mutex, watch};
use transport::{Client, Connections, TlsSettings, Version, endpoint};

use answer::Token;

/// The only grant.
const GRANT: &str = "client_credentials";
/// A token that ends so soon is over, whatever `expiry_buffer` says.
const TOO_SOON: Duration = Duration::from_secs(10);

config::settings! {
    /// Tokens for exporters.
    pub struct Config {
        /// The client's id.
        pub client_id: String = String::new(),
        /// The file that has the id instead. It is read for each token.
        pub client_id_file: String = String::new(),
        /// The client's secret.
        pub client_secret: Opaque = Opaque::default(),
        /// The file that has the secret instead. It is read for each token.
        pub client_secret_file: String = String::new(),
        /// How the server is asked: client_credentials.
        pub grant_type: String = String::new(),
        /// Where tokens are to be had.
        pub token_url: String = String::new(),
        /// What the token is to allow.
        pub scopes: Vec<String> = Vec::new(),
        /// More fields of the form, each with one value or several.
        pub endpoint_params: IndexMap<String, Vec<String>> = IndexMap::new(),
        /// How TLS is spoken with the server.
        pub tls: TlsSettings = TlsSettings::default(),
        /// The server has so long to answer; 0 is no limit.
        pub timeout: Duration = Duration::ZERO,
        /// A token is renewed so long before its end.
        pub expiry_buffer: Duration = Duration::from_secs(300),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.client_id.is_empty() && self.client_id_file.is_empty() {
            decoder.error("client_id or client_id_file must be set");
        }
        if self.client_secret.reveal().is_empty() && self.client_secret_file.is_empty() {
            decoder.error("client_secret or client_secret_file must be set");
        }
        if !["", GRANT].contains(&self.grant_type.as_str()) {
            decoder.at("grant_type", |d| d.error(format!("only {GRANT} is supported")));
        }
        if let Err(message) = endpoint::url(&self.token_url) {
            decoder.at("token_url", |d| d.error(message));
        }
    }
}

/// Its row in the extensions' table.
pub static FACTORY: ExtensionFactory = Factory {
    name: "oauth2client",
    alias: None,
    signals: &[],
    stability: Stability::Alpha,
    sample: "client_id: agent\nclient_secret: ${env:SECRET}\ntoken_url: https://example.com/oauth2/token\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExtensionConfig for Config {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Extension>, BuildError> {
        Ok(Arc::new(OAuth2Client {
            config: self.clone(),
            client: OnceLock::new(),
            token: Mutex::new(None),
            wants_form: OnceLock::new(),
        }))
    }
}

struct OAuth2Client {
    config: Config,
    client: OnceLock<Client>,
    /// Whoever renews it holds it, so that nobody else does.
    token: Mutex<Option<Token>>,
    /// Whether the server wants id and secret in the form, once that is known.
    wants_form: OnceLock<bool>,
}

#[async_trait]
impl Extension for OAuth2Client {
    async fn start(&self, _: watch::Receiver<Health>, _: &mut Tasks) -> Result<(), StartError> {
        // Files that cannot be read are told now rather than at the first export.
        self.login().map_err(StartError)?;
        let speaks_tls = self.config.token_url.starts_with("https://");
        let client = Client::open(&self.config.tls, speaks_tls, Version::Any, Connections::default());
        let client = client.map_err(|error| StartError(error.to_string()))?;
        self.client.set(client).map_err(|_| StartError("started twice".into()))
    }

    fn credentials(self: Arc<Self>) -> Option<Arc<dyn Credentials>> {
        Some(self)
    }
}

#[async_trait]
impl Credentials for OAuth2Client {
    async fn headers(&self, _: &Origin) -> Result<Vec<HeaderStep>, String> {
        let mut held = self.token.lock().await;
        let spare = self.config.expiry_buffer.max(TOO_SOON);
        let token = match held.take().filter(|token| token.lasts(Instant::now() + spare)) {
            Some(token) => token,
            None => self.fetch().await.map_err(|why| format!("no token from {}: {why}", self.config.token_url))?,
        };
        let value = token.header();
        *held = Some(token);
        Ok(vec![HeaderStep::Set("authorization".into(), value)])
    }
}
