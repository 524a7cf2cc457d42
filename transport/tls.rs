//! TLS of clients.
//!
//! rustls with ring: no C library to link and no cmake to build. Without a `ca_file` the roots are the machine's own,
//! as in the Collector, so that a company's CA installed there is trusted without another setting.

use std::sync::Arc;

use config::{Decoder, Rules};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::rustls;

config::settings! {
    /// How a client speaks TLS.
    pub struct TlsSettings {
        /// Whether to speak without TLS; has no effect when a ca_file is set.
        pub insecure: bool = false,
        /// Whether to trust any certificate; refused: name the certificate in ca_file instead.
        pub insecure_skip_verify: bool = false,
        /// PEM file with the certificates to trust; the machine's own when empty.
        pub ca_file: String = String::new(),
        /// PEM file with the client's certificate.
        pub cert_file: String = String::new(),
        /// PEM file with the client's key.
        pub key_file: String = String::new(),
        /// The name the server's certificate must have, if not the endpoint's host.
        pub server_name_override: String = String::new(),
    }
}

impl Rules for TlsSettings {
    fn rules(&self, decoder: &mut Decoder) {
        if self.insecure_skip_verify {
            let message = "is not supported: name the server's certificate, or its CA's, in ca_file";
            decoder.at("insecure_skip_verify", |d| d.error(message));
        }
        match (self.cert_file.is_empty(), self.key_file.is_empty()) {
            (false, true) => decoder.at("key_file", |d| d.error("must be set together with cert_file")),
            (true, false) => decoder.at("cert_file", |d| d.error("must be set together with key_file")),
            _ => {}
        }
        if !self.server_name_override.is_empty() && self.server_name().is_err() {
            decoder.at("server_name_override", |d| d.error("is not a host name"));
        }
    }
}

/// Why TLS cannot be spoken with these settings.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

impl TlsSettings {
    /// Whether a client without a scheme in its endpoint speaks TLS.
    pub fn is_on(&self) -> bool {
        !self.insecure || !self.ca_file.is_empty()
    }

    /// The name to ask for instead of the endpoint's host.
    pub(crate) fn server_name(&self) -> Result<Option<ServerName<'static>>, TlsError> {
        let name = Some(self.server_name_override.clone()).filter(|name| !name.is_empty());
        let parsed = name.map(ServerName::try_from).transpose();
        parsed.map_err(|e| TlsError(format!("{}: {e}", self.server_name_override)))
    }

    /// Reads the files.
    pub(crate) fn open(&self, protocols: &[&str]) -> Result<Arc<ClientConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| TlsError(e.to_string()))?
            .with_root_certificates(self.roots()?);
        let mut client = if self.cert_file.is_empty() {
            builder.with_no_client_auth()
        } else {
            let key = PrivateKeyDer::from_pem_file(&self.key_file).map_err(|e| at(&self.key_file, e))?;
            builder.with_client_auth_cert(certificates(&self.cert_file)?, key).map_err(|e| at(&self.cert_file, e))?
        };
        client.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(client))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if self.ca_file.is_empty() {
            // One unreadable file among many is no reason to trust nothing.
            let found = rustls_native_certs::load_native_certs();
            found.errors.iter().for_each(|error| tracing::warn!(%error, "cannot read a root certificate"));
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err(TlsError("this machine has no root certificates: set tls::ca_file".into()));
            }
            return Ok(roots);
        }
        for certificate in certificates(&self.ca_file)? {
            roots.add(certificate).map_err(|e| at(&self.ca_file, e))?;
        }
        Ok(roots)
    }
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(|e| at(path, e))?.collect();
    match found.map_err(|e| at(path, e))? {
        found if found.is_empty() => Err(at(path, "there is no certificate in it")),
        found => Ok(found),
    }
}

fn at(path: &str, error: impl std::fmt::Display) -> TlsError {
    TlsError(format!("{path}: {error}"))
}
