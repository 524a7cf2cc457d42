//! Settings that name an extension.

use config::{Decoder, Rules};

config::settings! {
    /// Who checks the clients.
    pub struct Auth {
        /// The extension that checks clients. There is none yet, so naming one is refused.
        pub authenticator: String = String::new(),
        /// Names of query parameters for it.
        pub request_params: Vec<String> = Vec::new(),
    }
}

impl Rules for Auth {
    fn rules(&self, decoder: &mut Decoder) {
        let message = match self.authenticator.as_str() {
            "" => "must name an extension".to_owned(),
            id => format!("there is no extension {id} that could check clients; with mTLS, tls::client_ca_file does"),
        };
        decoder.at("authenticator", |d| d.error(message));
    }
}

config::settings! {
    /// What stands before a server.
    pub struct Middleware {
        /// The extension. There is none that could, so naming one is refused.
        pub id: String = String::new(),
    }
}

impl Rules for Middleware {
    fn rules(&self, decoder: &mut Decoder) {
        let message = match self.id.as_str() {
            "" => "must name an extension".to_owned(),
            id => format!("there is no extension {id} that could be a middleware"),
        };
        decoder.at("id", |d| d.error(message));
    }
}
