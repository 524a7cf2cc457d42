//! Which clients of servers are let in.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::extension::Extension;
use pipeline::{Authenticator, Health, Identity, Said, StartError, Tasks};
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, watch};

use super::htpasswd::Htpasswd;

const SCHEME: &str = "basic ";
/// A longer password is wrong where finding that out is costly, as in libxcrypt: the cost grows with its length.
const LONGEST_PASSWORD: usize = 512;
/// So many passwords are tried at once, whoever sends wrong ones; other work keeps the rest of the processors.
const TRIED_AT_ONCE: usize = 2;

/// Lets in who is in the list.
pub struct BasicServer {
    settings: super::Htpasswd,
    list: OnceLock<Arc<Htpasswd>>,
    /// Of each user the last password that was right, as a hash that means nothing outside this process.
    right: Mutex<HashMap<String, [u8; 32]>>,
    keys: RandomState,
    /// Who tries a costly one has a permit.
    trying: Arc<Semaphore>,
}

impl BasicServer {
    /// Of these settings.
    pub fn new(settings: super::Htpasswd) -> Self {
        let trying = Arc::new(Semaphore::new(TRIED_AT_ONCE));
        Self { settings, list: OnceLock::new(), right: Mutex::default(), keys: RandomState::new(), trying }
    }

    fn read(&self) -> Result<Htpasswd, String> {
        let super::Htpasswd { file, inline } = &self.settings;
        let text = match file.as_str() {
            "" => String::new(),
            file => {
                std::fs::read_to_string(file).map_err(|error| format!("htpasswd::file: cannot read {file}: {error}"))?
            }
        };
        let (list, bad) = Htpasswd::read(&format!("{}\n{}", text.trim_end(), inline.reveal()));
        if !bad.is_empty() {
            tracing::warn!(lines = ?bad, "htpasswd has lines that are no user:password, or whose hash cannot be read");
        }
        Ok(list)
    }

    /// Whether the password is right. What is costly is found out once, on another thread.
    async fn is_right(&self, user: &str, password: String) -> bool {
        let Some(list) = self.list.get().cloned() else { return false };
        let Some(kept) = list.get(user) else { return false };
        if !kept.is_costly() {
            return kept.is(&password);
        }
        if password.len() > LONGEST_PASSWORD {
            return false;
        }
        let trace = self.trace(user, &password);
        let known = |right: &Mutex<HashMap<String, [u8; 32]>>| {
            right.lock().unwrap_or_else(PoisonError::into_inner).get(user) == Some(&trace)
        };
        if known(&self.right) {
            return true;
        }
        let Ok(permit) = self.trying.clone().acquire_owned().await else { return false };
        // Somebody may have found it out meanwhile.
        if known(&self.right) {
            return true;
        }
        let kept = kept.clone();
        // A client that leaves does not stop it: the permit goes with it.
        let tried = tokio::task::spawn_blocking(move || (kept.is(&password), permit).0);
        let is_right = tried.await.unwrap_or(false);
        if is_right {
            self.right.lock().unwrap_or_else(PoisonError::into_inner).insert(user.to_owned(), trace);
        }
        is_right
    }

    fn trace(&self, user: &str, password: &str) -> [u8; 32] {
        let key = self.keys.hash_one("").to_le_bytes();
        Sha256::new().chain_update(key).chain_update(user).chain_update(":").chain_update(password).finalize().into()
    }
}

#[async_trait]
impl Extension for BasicServer {
    async fn start(&self, _: watch::Receiver<Health>, _: &mut Tasks) -> Result<(), StartError> {
        let list = self.read().map_err(StartError)?;
        self.list.set(Arc::new(list)).map_err(|_| StartError("started twice".into()))
    }

    fn authenticator(self: Arc<Self>) -> Option<Arc<dyn Authenticator>> {
        Some(self)
    }
}

#[async_trait]
impl Authenticator for BasicServer {
    async fn authenticate(&self, said: &Said<'_>) -> Result<Identity, String> {
        let value = said("authorization").filter(|value| !value.is_empty()).ok_or("no basic auth provided")?;
        let (scheme, raw) = value.split_at_checked(SCHEME.len()).ok_or("invalid authorization scheme prefix")?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err("invalid authorization scheme prefix".into());
        }
        let login = STANDARD.decode(raw).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let login = login.ok_or("invalid authorization format")?;
        let (user, password) = login.split_once(':').ok_or("invalid authorization format")?;
        if !self.is_right(user, password.to_owned()).await {
            return Err("invalid credentials".into());
        }
        Ok(vec![("username".into(), user.into()), ("raw".into(), raw.into())])
    }
}
