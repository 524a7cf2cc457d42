//! Settings that name an extension.

use config::{Decoder, Rules};

config::settings! {
    /// Who checks the clients.
    pub struct Auth {
        /// The extension that checks clients.
        pub authenticator: String = String::new(),
        /// Names of query parameters that count as headers, over HTTP.
        pub request_params: Vec<String> = Vec::new(),
    }
}

impl Rules for Auth {
    fn rules(&self, decoder: &mut Decoder) {
        if self.authenticator.is_empty() {
            decoder.at("authenticator", |d| d.error("must name an extension"));
        }
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
