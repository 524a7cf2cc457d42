//! Certificates, keys and versions: what clients and servers set in the same words.

use std::sync::Arc;
use std::time::Duration;

use config::{Decoder, Opaque, Rules};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls;

use super::versions::{Curves, Suites, Version, versions};
use super::{TlsError, at};

config::settings! {
    /// Certificates, keys and versions.
    pub struct TlsMaterial {
        /// PEM file with the certificates to trust; the machine's own when empty.
        pub ca_file: String = String::new(),
        /// The certificates to trust as PEM text, instead of ca_file.
        pub ca_pem: Opaque = Opaque::default(),
        /// Whether to trust the machine's own certificates besides those given.
        pub include_system_ca_certs_pool: bool = false,
        /// PEM file with the own certificate.
        pub cert_file: String = String::new(),
        /// The own certificate as PEM text, instead of cert_file.
        pub cert_pem: Opaque = Opaque::default(),
        /// PEM file with the own key.
        pub key_file: String = String::new(),
        /// The own key as PEM text, instead of key_file.
        pub key_pem: Opaque = Opaque::default(),
        /// The oldest version to speak: 1.2 or 1.3. 1.0 and 1.1 mean 1.2, the oldest there is here.
        pub min_version: Version = Version::Unset,
        /// The newest version to speak: 1.2 or 1.3; the newest there is when empty.
        pub max_version: Version = Version::Unset,
        /// The cipher suites of TLS 1.2 to speak, by their IANA names; those of TLS 1.3 are always spoken. Suites that are
        /// not built in are passed over as long as another is left.
        pub cipher_suites: Suites = Suites::default(),
        /// The key exchange groups: X25519, P256, P384. P521 and X25519MLKEM768 are passed over as long as another is left.
        pub curve_preferences: Curves = Curves::default(),
        /// Files are read again, for new connections, when they were read so long ago; 0 is never.
        pub reload_interval: Duration = Duration::ZERO,
        /// Keys in a TPM; not supported.
        pub tpm: TpmSettings = TpmSettings::default(),
    }
}

config::settings! {
    /// Keys in a TPM.
    pub struct TpmSettings {
        /// Whether the key is in a TPM; refused, because it cannot be read from there.
        pub enabled: bool = false,
        /// Where the TPM is.
        pub path: String = String::new(),
        /// The owner's password.
        pub owner_auth: Opaque = Opaque::default(),
        /// The key's password.
        pub auth: Opaque = Opaque::default(),
    }
}

impl Rules for TpmSettings {
    fn rules(&self, decoder: &mut Decoder) {
        if self.enabled {
            decoder.at("enabled", |d| d.error("is not supported: give the key by key_file or key_pem"));
        }
    }
}

/// PEM in a file, or as text.
#[derive(Clone, Copy)]
pub(super) enum Pem<'a> {
    File(&'a str),
    Text { key: &'static str, text: &'a str },
}

impl<'a> Pem<'a> {
    fn new(file: &'a str, key: &'static str, text: &'a Opaque) -> Option<Self> {
        match (file.is_empty(), text.reveal().is_empty()) {
            (false, _) => Some(Self::File(file)),
            (true, false) => Some(Self::Text { key, text: text.reveal() }),
            (true, true) => None,
        }
    }

    /// How errors name it.
    fn place(self) -> &'a str {
        match self {
            Self::File(path) => path,
            Self::Text { key, .. } => key,
        }
    }

    pub fn certificates(self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let wrong = |e| at(self.place(), e);
        let found: Result<Vec<_>, _> = match self {
            Self::File(path) => CertificateDer::pem_file_iter(path).map_err(wrong)?.collect(),
            Self::Text { text, .. } => CertificateDer::pem_slice_iter(text.as_bytes()).collect(),
        };
        match found.map_err(wrong)? {
            found if found.is_empty() => Err(at(self.place(), "there is no certificate in it")),
            found => Ok(found),
        }
    }

    fn key(self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let found = match self {
            Self::File(path) => PrivateKeyDer::from_pem_file(path),
            Self::Text { text, .. } => PrivateKeyDer::from_pem_slice(text.as_bytes()),
        };
        found.map_err(|e| at(self.place(), e))
    }
}

impl Rules for TlsMaterial {
    fn rules(&self, decoder: &mut Decoder) {
        let twice = [
            ("ca_pem", &self.ca_file, &self.ca_pem, "ca_file"),
            ("cert_pem", &self.cert_file, &self.cert_pem, "cert_file"),
            ("key_pem", &self.key_file, &self.key_pem, "key_file"),
        ];
        for (key, file, text, other) in twice {
            if !file.is_empty() && !text.reveal().is_empty() {
                decoder.at(key, |d| d.error(format!("must not be set together with {other}")));
            }
        }
        match (self.certificate_pem().is_some(), self.key_source().is_some()) {
            (true, false) => decoder.at("key_file", |d| d.error("must be set together with cert_file")),
            (false, true) => decoder.at("cert_file", |d| d.error("must be set together with key_file")),
            _ => {}
        }
        if let Err(message) = versions(self.min_version, self.max_version) {
            decoder.at("min_version", |d| d.error(message));
        }
        if self.max_version.is_1_2() && !self.cipher_suites.has_usable_1_2() {
            decoder.at("cipher_suites", |d| d.error("none of these is built in, and TLS 1.3 is ruled out"));
        }
    }
}

impl TlsMaterial {
    /// The certificates to trust, if any are named.
    pub(super) fn ca(&self) -> Option<Pem<'_>> {
        Pem::new(&self.ca_file, "ca_pem", &self.ca_pem)
    }

    fn certificate_pem(&self) -> Option<Pem<'_>> {
        Pem::new(&self.cert_file, "cert_pem", &self.cert_pem)
    }

    fn key_source(&self) -> Option<Pem<'_>> {
        Pem::new(&self.key_file, "key_pem", &self.key_pem)
    }

    /// Reads the own certificate, with its chain, and its key, if they are named.
    pub(super) fn certificate(&self) -> Result<Option<Certificate>, TlsError> {
        let (Some(chain), Some(key)) = (self.certificate_pem(), self.key_source()) else { return Ok(None) };
        Ok(Some(Certificate { chain: chain.certificates()?, key: key.key()?, place: chain.place().to_owned() }))
    }

    /// The certificates to trust: those named, or the machine's own, or both.
    pub(super) fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if self.ca().is_none() || self.include_system_ca_certs_pool {
            // One unreadable file among many is no reason to trust nothing.
            let found = rustls_native_certs::load_native_certs();
            found.errors.iter().for_each(|error| tracing::warn!(%error, "cannot read a root certificate"));
            roots.add_parsable_certificates(found.certs);
        }
        if let Some(ca) = self.ca() {
            add(&mut roots, ca)?;
        } else if roots.is_empty() {
            return Err(TlsError("this machine has no root certificates: set tls::ca_file".into()));
        }
        Ok(roots)
    }

    /// The ciphers and key exchanges to speak.
    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        let mut provider = rustls::crypto::ring::default_provider();
        self.cipher_suites.narrow(&mut provider);
        self.curve_preferences.narrow(&mut provider);
        Arc::new(provider)
    }

    /// The versions to speak.
    pub(super) fn versions(&self) -> Result<Vec<&'static rustls::SupportedProtocolVersion>, TlsError> {
        versions(self.min_version, self.max_version).map_err(|message| at("tls::min_version", message))
    }
}

/// A certificate with its chain and key.
pub(super) struct Certificate {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    /// How errors name it.
    pub place: String,
}

/// Adds every certificate of a PEM to those to trust.
pub(super) fn add(roots: &mut RootCertStore, pem: Pem<'_>) -> Result<(), TlsError> {
    for certificate in pem.certificates()? {
        roots.add(certificate).map_err(|e| at(pem.place(), e))?;
    }
    Ok(())
}
