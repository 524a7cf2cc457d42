//! A token: JSON with a signature (RFC 7515, RFC 7519).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// A token is at most so long.
const BYTES_AT_MOST: usize = 16 * 1024;

/// A token that nobody has checked yet.
#[derive(Debug)]
pub struct Jwt<'a> {
    /// How it says that it is signed.
    pub algorithm: String,
    /// By which key, if it says that.
    pub key_id: Option<String>,
    /// What it says.
    pub claims: Value,
    /// What is signed.
    pub signed: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Reads the three parts.
    ///
    /// # Errors
    /// What is no token.
    pub fn read(text: &'a str) -> Result<Self, String> {
        if text.len() > BYTES_AT_MOST {
            return Err(format!("it is longer than {BYTES_AT_MOST} bytes"));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or("it has not three parts")?;
        let (head, body) =
            signed.split_once('.').filter(|(_, body)| !body.contains('.')).ok_or("it has not three parts")?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "a part is not base64url");
        let json = |part: &str| serde_json::from_slice::<Value>(&bytes(part)?).map_err(|_| "a part is not JSON");
        let (head, claims) = (json(head)?, json(body)?);
        if !claims.is_object() {
            return Err("its claims are no object".into());
        }
        // What has to be understood and is not (RFC 7515, 4.1.11): none of these is known here.
        if head.get("crit").is_some() {
            return Err("it wants something understood that is not known here (crit)".into());
        }
        let text = |name: &str| head[name].as_str().map(str::to_owned);
        let algorithm = text("alg").ok_or("it does not say how it is signed")?;
        Ok(Self { algorithm, key_id: text("kid"), claims, signed, signature: bytes(signature)? })
    }
}
