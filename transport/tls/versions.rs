//! Versions, cipher suites and key exchange groups, in Go's names.

use config::{Decode, Decoder, Node, Secrets};
use rustls::crypto::CryptoProvider;
use rustls::{NamedGroup, SupportedCipherSuite, SupportedProtocolVersion};
use tokio_rustls::rustls;

config::words! {
    /// A version of TLS.
    pub enum Version: "TLS version" {
        /// Whatever is best.
        Unset = "",
        /// Too old to be spoken; as a lower bound it is met by 1.2.
        V1_0 = "1.0",
        /// Too old to be spoken; as a lower bound it is met by 1.2.
        V1_1 = "1.1",
        /// TLS 1.2.
        V1_2 = "1.2",
        /// TLS 1.3.
        V1_3 = "1.3",
    }
}

impl Version {
    pub fn is_1_2(self) -> bool {
        self == Self::V1_2
    }
}

/// The versions between two bounds.
///
/// # Errors
/// When there are none.
pub fn versions(min: Version, max: Version) -> Result<Vec<&'static SupportedProtocolVersion>, &'static str> {
    match (min, max) {
        (_, Version::V1_0 | Version::V1_1) => Err("TLS 1.0 and 1.1 are not supported: max_version must be 1.2 or 1.3"),
        (Version::V1_3, Version::V1_2) => Err("must not be above max_version"),
        (_, Version::V1_2) => Ok(vec![&rustls::version::TLS12]),
        (Version::V1_3, _) => Ok(vec![&rustls::version::TLS13]),
        _ => Ok(vec![&rustls::version::TLS13, &rustls::version::TLS12]),
    }
}

/// The suites of TLS 1.2 that Go's servers and clients can be told to use and that are not built in here: without
/// forward secrecy or authenticated encryption.
const OLD_SUITES: [&str; 14] = [
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
];

/// Names of cipher suites; none means all that are built in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suites(Vec<String>);

/// Names of key exchange groups; none means all that are built in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves(Vec<String>);

fn suite_name(suite: &SupportedCipherSuite) -> String {
    // rustls sets those of TLS 1.3 apart from the older ones; IANA and Go do not.
    format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)
}

fn is_1_3(suite: &SupportedCipherSuite) -> bool {
    suite.tls13().is_some()
}

impl Suites {
    /// Takes out of `provider` what is not named.
    pub fn narrow(&self, provider: &mut CryptoProvider) {
        if !self.0.is_empty() {
            provider.cipher_suites.retain(|suite| is_1_3(suite) || self.0.contains(&suite_name(suite)));
        }
    }

    /// Whether a suite of TLS 1.2 is left.
    pub fn has_usable_1_2(&self) -> bool {
        let mut provider = rustls::crypto::ring::default_provider();
        self.narrow(&mut provider);
        provider.cipher_suites.iter().any(|suite| !is_1_3(suite))
    }
}

impl Decode for Suites {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        Self(Vec::decode(node, default.0, decoder))
    }

    fn validate(&self, decoder: &mut Decoder) {
        let provider = rustls::crypto::ring::default_provider();
        let built_in: Vec<_> = provider.cipher_suites.iter().map(suite_name).collect();
        for (index, name) in self.0.iter().enumerate() {
            if !built_in.contains(name) && !OLD_SUITES.contains(&name.as_str()) {
                let known: Vec<_> = built_in.iter().map(String::as_str).collect();
                decoder.at(index.to_string(), |d| d.unknown("cipher suite", name, &known));
            }
        }
    }

    fn encode(&self, secrets: Secrets) -> Node {
        self.0.encode(secrets)
    }
}

/// Go's names, and what is built in under them.
const GROUPS: [(&str, Option<NamedGroup>); 5] = [
    ("X25519", Some(NamedGroup::X25519)),
    ("P256", Some(NamedGroup::secp256r1)),
    ("P384", Some(NamedGroup::secp384r1)),
    ("P521", None),
    ("X25519MLKEM768", None),
];

impl Curves {
    /// Takes out of `provider` what is not named, and puts the rest in the order named.
    pub fn narrow(&self, provider: &mut CryptoProvider) {
        let group = |name: &String| GROUPS.iter().find(|(known, _)| known == name)?.1;
        let wanted: Vec<_> = self.0.iter().filter_map(group).collect();
        if !wanted.is_empty() {
            let found = |name| provider.kx_groups.iter().copied().find(|built_in| built_in.name() == name);
            provider.kx_groups = wanted.into_iter().filter_map(found).collect();
        }
    }
}

impl Decode for Curves {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        Self(Vec::decode(node, default.0, decoder))
    }

    fn validate(&self, decoder: &mut Decoder) {
        let mut usable = self.0.is_empty();
        for (index, name) in self.0.iter().enumerate() {
            match GROUPS.iter().find(|(known, _)| known == name) {
                Some((_, group)) => usable |= group.is_some(),
                None => {
                    let known = GROUPS.map(|(known, _)| known);
                    decoder.at(index.to_string(), |d| d.unknown("curve", name, &known));
                }
            }
        }
        if !usable {
            decoder.error("none of these is built in: add X25519, P256 or P384");
        }
    }

    fn encode(&self, secrets: Secrets) -> Node {
        self.0.encode(secrets)
    }
}
