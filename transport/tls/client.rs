//! TLS of clients. Without a CA of its own the roots are the machine's, as in the Collector, so that a company's CA
//! installed there is trusted without another setting.

use std::sync::Arc;

use config::{Decoder, Rules};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::rustls;

use super::trust::Anyone;
use super::{Reloading, TlsError, TlsMaterial, at};

config::settings! {
    /// How a client speaks TLS.
    pub struct TlsSettings (pub material: TlsMaterial = TlsMaterial::default()) {
        /// Whether to speak without TLS; has no effect when a CA is set.
        pub insecure: bool = false,
        /// Whether to trust any certificate, which lets anyone between read and change what is sent.
        pub insecure_skip_verify: bool = false,
        /// The name the server's certificate must have, if not the endpoint's host.
        pub server_name_override: String = String::new(),
    }
}

impl Rules for TlsSettings {
    fn rules(&self, decoder: &mut Decoder) {
        if !self.server_name_override.is_empty() && self.server_name().is_err() {
            decoder.at("server_name_override", |d| d.error("is not a host name"));
        }
    }
}

impl TlsSettings {
    /// Whether a client without a scheme in its endpoint speaks TLS.
    pub fn is_on(&self) -> bool {
        !self.insecure || self.material.ca().is_some()
    }

    /// The name to ask for instead of the endpoint's host.
    pub(crate) fn server_name(&self) -> Result<Option<ServerName<'static>>, TlsError> {
        let name = Some(self.server_name_override.clone()).filter(|name| !name.is_empty());
        let parsed = name.map(ServerName::try_from).transpose();
        parsed.map_err(|e| at(&self.server_name_override, e))
    }

    /// Reads the files, now and when they are due again.
    pub(crate) fn open(&self, protocols: &'static [&str]) -> Result<Reloading<ClientConfig>, TlsError> {
        if self.insecure_skip_verify {
            tracing::warn!("tls::insecure_skip_verify: the server's certificate is not checked");
        }
        let settings = self.clone();
        Reloading::new(move || settings.read(protocols), self.material.reload_interval, "")
    }

    fn read(&self, protocols: &[&str]) -> Result<Arc<ClientConfig>, TlsError> {
        let provider = self.material.provider();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&self.material.versions()?)
            .map_err(|e| TlsError(e.to_string()))?;
        let builder = if self.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        } else {
            builder.with_root_certificates(self.material.roots()?)
        };
        let mut client = match self.material.certificate()? {
            None => builder.with_no_client_auth(),
            Some(own) => builder.with_client_auth_cert(own.chain, own.key).map_err(|e| at(&own.place, e))?,
        };
        client.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(client))
    }
}
