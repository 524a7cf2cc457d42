//! TLS of servers.

use std::sync::Arc;

use config::{Decoder, Opaque, Rules};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::rustls;

use super::material::{Pem, add};
use super::{Reloading, TlsError, TlsMaterial, at};

config::settings! {
    /// How a server speaks TLS.
    pub struct TlsServerSettings (pub material: TlsMaterial = TlsMaterial::default()) {
        /// PEM file with the CAs of clients; when set, a client must show a certificate of one of them.
        pub client_ca_file: String = String::new(),
        /// Whether client_ca_file is read again, for new connections, when it has changed.
        pub client_ca_file_reload: bool = false,
    }
}

impl Rules for TlsServerSettings {
    fn rules(&self, decoder: &mut Decoder) {
        let nothing = Opaque::default();
        let material = &self.material;
        let is_given = |file: &str, text: &Opaque| !file.is_empty() || *text != nothing;
        // One without the other is reported by the material itself.
        if !is_given(&material.cert_file, &material.cert_pem) && !is_given(&material.key_file, &material.key_pem) {
            decoder.at("cert_file", |d| d.error("a server needs a certificate: set cert_file and key_file"));
        }
    }
}

impl TlsServerSettings {
    /// Reads the files, now and when they are due again.
    pub(crate) fn open(&self, protocols: &'static [&str]) -> Result<Reloading<ServerConfig>, TlsError> {
        let settings = self.clone();
        let watched = if self.client_ca_file_reload { self.client_ca_file.as_str() } else { "" };
        Reloading::new(move || settings.read(protocols), self.material.reload_interval, watched)
    }

    fn read(&self, protocols: &[&str]) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = self.material.provider();
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&self.material.versions()?)
            .map_err(|e| TlsError(e.to_string()))?;
        let builder = if self.client_ca_file.is_empty() {
            builder.with_no_client_auth()
        } else {
            let mut clients = RootCertStore::empty();
            add(&mut clients, Pem::File(&self.client_ca_file))?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|e| at(&self.client_ca_file, e))?)
        };
        let own = self.material.certificate()?.ok_or_else(|| TlsError("no certificate: set tls::cert_file".into()))?;
        let mut server = builder.with_single_cert(own.chain, own.key).map_err(|e| at(&own.place, e))?;
        server.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(server))
    }
}
