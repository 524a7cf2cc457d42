//! Apache's list of users and passwords.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha_crypt::{PasswordHash, PasswordVerifier, ShaCrypt};
use sha1::{Digest, Sha1};

use super::md5_crypt;
use crate::secret::is_same;

const SHA1_BYTES: usize = 20;

/// Users and their passwords.
#[derive(Debug, Default)]
pub struct Htpasswd(HashMap<String, Kept>);

/// A password as it is kept.
#[derive(Clone, PartialEq)]
pub enum Kept {
    /// `$2y$...`
    Bcrypt(String),
    /// `$5$...` or `$6$...`
    ShaCrypt(PasswordHash),
    /// `$apr1$SALT$...` or `$1$SALT$...`: magic, salt and digest.
    Md5Crypt(String, String, String),
    /// `{SHA}` and `{SSHA}`: the digest of the password and the salt.
    Sha1(Vec<u8>, Vec<u8>),
    /// Itself.
    Plain(String),
}

impl Htpasswd {
    /// Reads the lines; those later win. Also the numbers of the lines that are none, from 1.
    pub fn read(text: &str) -> (Self, Vec<usize>) {
        let (mut list, mut bad) = (HashMap::new(), Vec::new());
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let one = line.trim().split_once(':').and_then(|(user, kept)| Some((user.to_owned(), Kept::read(kept)?)));
            match one {
                Some((user, kept)) => drop(list.insert(user, kept)),
                None => bad.push(index + 1),
            }
        }
        (Self(list), bad)
    }

    /// The password of a user.
    pub fn get(&self, user: &str) -> Option<&Kept> {
        self.0.get(user)
    }
}

impl Kept {
    fn read(text: &str) -> Option<Self> {
        let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
        if begins(&["$2a$", "$2b$", "$2x$", "$2y$"]) {
            return Some(Self::Bcrypt(text.to_owned()));
        }
        if begins(&["$5$", "$6$"]) {
            return PasswordHash::new(text).ok().map(Self::ShaCrypt);
        }
        if let Some(magic) = ["$apr1$", "$1$"].into_iter().find(|magic| text.starts_with(magic)) {
            let (salt, digest) = text[magic.len()..].split_once('$')?;
            return Some(Self::Md5Crypt(magic.to_owned(), salt.to_owned(), digest.to_owned()));
        }
        if let Some(digest) = text.strip_prefix("{SHA}") {
            let digest = STANDARD.decode(digest).ok().filter(|digest| digest.len() == SHA1_BYTES)?;
            return Some(Self::Sha1(digest, Vec::new()));
        }
        if let Some(digest) = text.strip_prefix("{SSHA}") {
            let digest = STANDARD.decode(digest).ok()?;
            let (digest, salt) = digest.split_at_checked(SHA1_BYTES)?;
            return Some(Self::Sha1(digest.to_owned(), salt.to_owned()));
        }
        Some(Self::Plain(text.strip_prefix("{PLAIN}").unwrap_or(text).to_owned()))
    }

    /// Whether to find out takes so long that others would wait.
    pub fn is_costly(&self) -> bool {
        matches!(self, Self::Bcrypt(_) | Self::ShaCrypt(_) | Self::Md5Crypt(..))
    }

    /// Whether this is the password.
    pub fn is(&self, password: &str) -> bool {
        match self {
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Self::ShaCrypt(hash) => ShaCrypt::default().verify_password(password.as_bytes(), hash).is_ok(),
            Self::Md5Crypt(magic, salt, digest) => {
                is_same(md5_crypt::digest(password.as_bytes(), magic, salt.as_bytes()).as_bytes(), digest.as_bytes())
            }
            Self::Sha1(digest, salt) => {
                is_same(&Sha1::new().chain_update(password).chain_update(salt).finalize(), digest)
            }
            Self::Plain(plain) => is_same(plain.as_bytes(), password.as_bytes()),
        }
    }
}

/// Without what it keeps.
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(config::REDACTED)
    }
}
