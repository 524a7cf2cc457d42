//! User and password for exporters, as HTTP has it (RFC 7617).
//!
//! ```yaml
//! basic_auth:
//!   client_auth:
//!     username: "1234"
//!     password: ${env:TOKEN}
//! ```
//!
//! An exporter names it: `auth: {authenticator: basic_auth}`. Clients of receivers are not checked by it: `htpasswd` is
//! refused, and mutual TLS is there for that.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use config::{Decode, Decoder, Opaque, Rules};
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::{BuildError, Credentials, Health, StartError, Tasks};
use tokio::sync::watch;

config::settings! {
    /// User and password for exporters.
    pub struct Config {
        /// What exporters say.
        pub client_auth: Option<ClientAuth> = None,
        /// Taken from the Collector's files to be refused: clients of receivers cannot be checked by password.
        pub htpasswd: Option<Htpasswd> = None,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.htpasswd.is_some() {
            decoder.at("htpasswd", |d| {
                d.error("clients of receivers cannot be checked by password; with mTLS, tls::client_ca_file does");
            });
        } else if self.client_auth.is_none() {
            decoder.error("client_auth must be set");
        }
    }
}

config::settings! {
    /// What exporters say.
    pub struct ClientAuth {
        /// The user.
        pub username: String = String::new(),
        /// The password.
        pub password: Opaque = Opaque::default(),
    }
}

impl Rules for ClientAuth {
    fn rules(&self, decoder: &mut Decoder) {
        if self.username.contains(':') {
            decoder.at("username", |d| d.error("must not contain a colon, which ends it"));
        }
    }
}

config::settings! {
    /// Clients and their passwords.
    pub struct Htpasswd {
        /// Where they are.
        pub file: String = String::new(),
        /// They themselves.
        pub inline: Opaque = Opaque::default(),
    }
}

impl Rules for Htpasswd {}

/// Its row in the extensions' table.
pub static FACTORY: ExtensionFactory = Factory {
    name: "basic_auth",
    alias: Some("basicauth"),
    signals: &[],
    stability: Stability::Alpha,
    sample: "client_auth:\n  username: \"1234\"\n  password: ${env:TOKEN}\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExtensionConfig for Config {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Extension>, BuildError> {
        let login = self.client_auth.as_ref().map(|auth| format!("{}:{}", auth.username, auth.password.reveal()));
        Ok(Arc::new(BasicAuth { value: Opaque::new(format!("Basic {}", STANDARD.encode(login.unwrap_or_default()))) }))
    }
}

struct BasicAuth {
    value: Opaque,
}

#[async_trait]
impl Extension for BasicAuth {
    async fn start(&self, _: watch::Receiver<Health>, _: &mut Tasks) -> Result<(), StartError> {
        Ok(())
    }

    fn credentials(self: Arc<Self>) -> Option<Arc<dyn Credentials>> {
        Some(self)
    }
}

impl Credentials for BasicAuth {
    fn header(&self) -> Result<(String, String), String> {
        Ok(("authorization".into(), self.value.reveal().to_owned()))
    }
}
