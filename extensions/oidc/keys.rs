//! Public keys (RFC 7517), and what they say of a signature.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;

use super::jwt::Jwt;

/// Keys of one provider.
#[derive(Debug, Default)]
pub struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, if that is said.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Keys {
    /// Reads a set of keys. Those of other kinds are passed over.
    ///
    /// # Errors
    /// When there is no key of a kind that is known here.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let set: Value =
            serde_json::from_slice(text).map_err(|error| format!("the set of keys is not JSON: {error}"))?;
        let keys: Vec<_> = set["keys"].as_array().into_iter().flatten().filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err("there is no RSA, P-256, P-384 or Ed25519 key among the keys".into());
        }
        Ok(Self(keys))
    }

    /// Whether one of them made the signature.
    pub fn signed(&self, jwt: &Jwt<'_>) -> bool {
        let may_be = |key: &&Key| match (&jwt.key_id, &key.id) {
            (Some(wanted), Some(id)) => wanted == id,
            _ => true,
        };
        self.0.iter().filter(may_be).any(|key| key.signed(jwt))
    }
}

impl Key {
    fn read(key: &Value) -> Option<Self> {
        let text = |name: &str| key[name].as_str().map(str::to_owned);
        let bytes = |name: &str| decoded(key[name].as_str()?);
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        // As RFC 5480 has a point: both coordinates at full length.
        let point = |length: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            (x.len() == length && y.len() == length).then(|| [vec![4], x, y].concat())
        };
        let material = match (text("kty")?.as_str(), text("crv").as_deref()) {
            ("RSA", _) => Material::Rsa { n: bytes("n")?, e: bytes("e")? },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?),
            _ => return None,
        };
        Some(Self { id: text("kid"), algorithm: text("alg"), material })
    }

    fn signed(&self, jwt: &Jwt<'_>) -> bool {
        if self.algorithm.as_ref().is_some_and(|own| *own != jwt.algorithm) {
            return false;
        }
        let by = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(jwt.signed.as_bytes(), &jwt.signature).is_ok()
        };
        // The key decides which algorithms are possible, never the token alone.
        match (&self.material, jwt.algorithm.as_str()) {
            (Material::Rsa { n, e }, algorithm) => rsa(algorithm).is_some_and(|parameters| {
                let key = RsaPublicKeyComponents { n: without_zeros(n), e: without_zeros(e) };
                key.verify(parameters, jwt.signed.as_bytes(), &jwt.signature).is_ok()
            }),
            (Material::P256(key), "ES256") => by(&ECDSA_P256_SHA256_FIXED, key),
            (Material::P384(key), "ES384") => by(&ECDSA_P384_SHA384_FIXED, key),
            (Material::Ed25519(key), "EdDSA") => by(&ED25519, key),
            _ => false,
        }
    }
}

fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        "PS512" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// Some write numbers with zeros before them.
fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

/// base64url, also from those who pad it.
fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}
