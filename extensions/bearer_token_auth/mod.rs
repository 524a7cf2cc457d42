//! A token for exporters (RFC 6750), out of the configuration or of a file that somebody renews.
//!
//! ```yaml
//! bearer_token_auth:
//!   token: ${env:TOKEN}
//! ```
//!
//! An exporter names it: `auth: {authenticator: bearer_token_auth}`. The file is read for each request, so a token that
//! was renewed counts from the next one on. Clients of receivers are not checked by it.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Decoder, Opaque, Rules};
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::{BuildError, Credentials, Health, StartError, Tasks};
use tokio::sync::watch;

config::settings! {
    /// A token for exporters.
    pub struct Config {
        /// What stands before the token.
        pub scheme: String = "Bearer".to_owned(),
        /// The token.
        pub token: Opaque = Opaque::default(),
        /// The file that has the token instead.
        pub filename: String = String::new(),
        /// The header it is in.
        pub header: String = "Authorization".to_owned(),
        /// Taken from the Collector's files to be refused: clients of receivers cannot be checked by token.
        pub tokens: Vec<Opaque> = Vec::new(),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if !self.tokens.is_empty() {
            let message = "clients of receivers cannot be checked by token; for exporters set token or filename";
            decoder.at("tokens", |d| d.error(message));
        } else if self.token.reveal().is_empty() && self.filename.is_empty() {
            decoder.error("token or filename must be set");
        }
        if self.header.is_empty() {
            decoder.at("header", |d| d.error("must be the name of a header"));
        }
    }
}

/// Its row in the extensions' table.
pub static FACTORY: ExtensionFactory = Factory {
    name: "bearer_token_auth",
    alias: Some("bearertokenauth"),
    signals: &[],
    stability: Stability::Alpha,
    sample: "token: ${env:TOKEN}\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExtensionConfig for Config {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Extension>, BuildError> {
        Ok(Arc::new(BearerTokenAuth { config: self.clone() }))
    }
}

struct BearerTokenAuth {
    config: Config,
}

#[async_trait]
impl Extension for BearerTokenAuth {
    async fn start(&self, _: watch::Receiver<Health>, _: &mut Tasks) -> Result<(), StartError> {
        // Told now rather than at the first export.
        self.header().map(|_| ()).map_err(StartError)
    }

    fn credentials(self: Arc<Self>) -> Option<Arc<dyn Credentials>> {
        Some(self)
    }
}

impl Credentials for BearerTokenAuth {
    fn header(&self) -> Result<(String, String), String> {
        let Config { scheme, token, filename, header, .. } = &self.config;
        let token = match filename.as_str() {
            "" => token.reveal().to_owned(),
            file => std::fs::read_to_string(file).map_err(|error| format!("filename: cannot read {file}: {error}"))?,
        };
        let value = format!("{scheme} {}", token.trim());
        Ok((header.to_ascii_lowercase(), value.trim_start().to_owned()))
    }
}
