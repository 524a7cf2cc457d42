//! User and password (RFC 7617): those of exporters, or of the clients of receivers and pages.
//!
//! ```yaml
//! basic_auth:
//!   htpasswd:
//!     inline: |
//!       agent:$$2y$$05$$bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O
//! ```
//!
//! With `client_auth`, an exporter names it: `auth: {authenticator: basic_auth}`. With `htpasswd`, a server does, and lets
//! in who is in the list; others get 401, or UNAUTHENTICATED. Passwords are as Apache's htpasswd writes them: bcrypt,
//! `$apr1$` and `$1$`, `$5$` and `$6$`, `{SHA}`, `{SSHA}`, or plain. A password that was right is remembered as a hash, so
//! that the costly kinds are paid for once; for these it may have 512 bytes, and two are tried at once. The list is read
//! at the start.

mod client;
mod htpasswd;
mod md5_crypt;
mod server;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use config::{Decode, Decoder, Opaque, Rules};
use pipeline::BuildError;
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};

config::settings! {
    /// User and password.
    pub struct Config {
        /// What exporters say.
        pub client_auth: Option<ClientAuth> = None,
        /// Which clients of servers are let in.
        pub htpasswd: Option<Htpasswd> = None,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        match (&self.client_auth, &self.htpasswd) {
            (Some(_), Some(_)) => decoder.error("can have either client_auth or htpasswd, not both"),
            (None, None) => decoder.error("client_auth or htpasswd must be set"),
            _ => {}
        }
    }
}

config::settings! {
    /// What exporters say.
    pub struct ClientAuth {
        /// The user.
        pub username: String = String::new(),
        /// The file that has the user instead. It is read for each request.
        pub username_file: String = String::new(),
        /// The password.
        pub password: Opaque = Opaque::default(),
        /// The file that has the password instead. It is read for each request.
        pub password_file: String = String::new(),
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
    /// Users and their passwords, a line for each: `user:password`.
    pub struct Htpasswd {
        /// A file of such lines.
        pub file: String = String::new(),
        /// Such lines. They win over the file's.
        pub inline: Opaque = Opaque::default(),
    }
}

impl Rules for Htpasswd {
    fn rules(&self, decoder: &mut Decoder) {
        if self.file.is_empty() && self.inline.reveal().is_empty() {
            decoder.error("file or inline must be set");
        }
    }
}

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
        Ok(match &self.htpasswd {
            Some(list) => Arc::new(server::BasicServer::new(list.clone())),
            None => Arc::new(client::BasicClient::new(self.client_auth.clone().unwrap_or_default())),
        })
    }
}
