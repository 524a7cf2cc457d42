//! A token (RFC 6750) that exporters say, or that lets clients of receivers and pages in.
//!
//! ```yaml
//! bearer_token_auth:
//!   token: ${env:TOKEN}
//! ```
//!
//! An exporter or a server names it: `auth: {authenticator: bearer_token_auth}`. Of several tokens (`tokens`, or lines of
//! the file, whose first word counts) each lets in, and exporters say the first. The file is read for each request, so a
//! token that was renewed counts from the next one on. Clients without the right one get 401, or UNAUTHENTICATED.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Decoder, Opaque, Rules};
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::{Authenticator, BuildError, Credentials, HeaderStep, Health, Identity, Origin, Said, StartError, Tasks};
use tokio::sync::watch;

use crate::secret;

config::settings! {
    /// Tokens.
    pub struct Config {
        /// What stands before the token.
        pub scheme: String = "Bearer".to_owned(),
        /// The token.
        pub token: Opaque = Opaque::default(),
        /// Several tokens.
        pub tokens: Vec<Opaque> = Vec::new(),
        /// The file that has the token or tokens instead, a line for each.
        pub filename: String = String::new(),
        /// The header it is in.
        pub header: String = "Authorization".to_owned(),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        match (self.token.reveal().is_empty(), self.tokens.is_empty(), self.filename.is_empty()) {
            (true, true, true) => decoder.error("token, tokens or filename must be set"),
            (false, false, _) => decoder.error("can have either token or tokens, not both"),
            _ => {}
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

impl BearerTokenAuth {
    /// What the header is like with each token; as in the Collector, `tokens` win over the file, and that over `token`.
    fn values(&self) -> Result<Vec<String>, String> {
        let Config { scheme, token, tokens, filename, .. } = &self.config;
        let value = |token: &str| if scheme.is_empty() { token.to_owned() } else { format!("{scheme} {token}") };
        if !tokens.is_empty() {
            return Ok(tokens.iter().map(|token| value(token.reveal())).collect());
        }
        let text = secret::current("filename", token.reveal(), filename)?;
        Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(value).collect())
    }
}

#[async_trait]
impl Extension for BearerTokenAuth {
    async fn start(&self, _: watch::Receiver<Health>, _: &mut Tasks) -> Result<(), StartError> {
        // Told now rather than at the first request.
        self.values().map(drop).map_err(StartError)
    }

    fn authenticator(self: Arc<Self>) -> Option<Arc<dyn Authenticator>> {
        Some(self)
    }

    fn credentials(self: Arc<Self>) -> Option<Arc<dyn Credentials>> {
        Some(self)
    }
}

#[async_trait]
impl Credentials for BearerTokenAuth {
    async fn headers(&self, _: &Origin) -> Result<Vec<HeaderStep>, String> {
        let first = self.values()?.into_iter().next().unwrap_or_default();
        Ok(vec![HeaderStep::Set(self.config.header.to_ascii_lowercase(), first)])
    }
}

#[async_trait]
impl Authenticator for BearerTokenAuth {
    async fn authenticate(&self, said: &Said<'_>) -> Result<Identity, String> {
        let header = &self.config.header;
        let value = said(header).ok_or_else(|| format!("missing or empty authorization header: {header}"))?;
        let values = self.values().map_err(|error| {
            tracing::error!(error, "no client can be let in");
            "tokens cannot be checked now".to_owned()
        })?;
        let is_right =
            values.iter().fold(false, |so_far, right| so_far | secret::is_same(right.as_bytes(), value.as_bytes()));
        is_right
            .then(Identity::new)
            .ok_or_else(|| "provided authorization does not match expected scheme or token".into())
    }
}
