//! A provider of tokens: its keys, and whether a token is its own.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tokio::sync::Mutex;
use transport::{Answer, Chunks, Client, Connections, Request, TlsMaterial, TlsSettings, USER_AGENT, Version, header};

use super::jwt::Jwt;
use super::keys::Keys;
use super::{Listed, ProviderSettings, claims};

/// An answer is waited for so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// Keys are not asked for more often than that, whoever sends tokens of unknown keys.
const PAUSE: Duration = Duration::from_secs(5);
/// Sets of keys are no longer than that.
const BYTES_AT_MOST: usize = 1024 * 1024;

/// One provider.
pub struct Provider {
    settings: Listed,
    keys: RwLock<Arc<Keys>>,
    server: OnceLock<Server>,
    /// When the keys were had last; whoever asks for them anew holds it.
    had: Mutex<Had>,
}

/// Where keys are to be had.
struct Server {
    client: Client,
    keys_url: String,
}

#[derive(Default)]
struct Had {
    asked: Option<Instant>,
    written: Option<SystemTime>,
}

impl Provider {
    /// One that has no keys yet.
    pub fn new(settings: Listed) -> Self {
        Self { settings, keys: RwLock::default(), server: OnceLock::new(), had: Mutex::default() }
    }

    /// Its URL.
    pub fn issuer(&self) -> &str {
        &self.settings.provider.issuer_url
    }

    /// Its settings.
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings.provider
    }

    /// Finds the keys.
    ///
    /// # Errors
    /// Where there are none.
    pub async fn open(&self) -> Result<(), String> {
        if self.settings.public_keys_file.is_empty() {
            let server = self.discover().await?;
            self.server.set(server).map_err(|_| "started twice")?;
        }
        self.renew().await
    }

    /// Whether the token counts: says the right things now, and is signed by one of the keys.
    ///
    /// # Errors
    /// Why not.
    pub async fn verify(&self, jwt: &Jwt<'_>) -> Result<(), String> {
        claims::check(self.settings(), &jwt.claims)?;
        let is_file = !self.settings.public_keys_file.is_empty();
        // A file says when it has changed; of others one only knows when a key is missing.
        if is_file {
            self.renew_if_possible().await;
        }
        if self.keys().signed(jwt) {
            return Ok(());
        }
        if !is_file {
            self.renew_if_possible().await;
        }
        self.keys().signed(jwt).then_some(()).ok_or_else(|| "it is signed by none of the provider's keys".into())
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where keys are is nothing that a client should hear of.
    async fn renew_if_possible(&self) {
        if let Err(error) = self.renew().await {
            tracing::warn!(error, issuer = self.issuer(), "cannot have the keys anew; the old ones stay in use");
        }
    }

    /// Has the keys anew, unless that was a moment ago.
    async fn renew(&self) -> Result<(), String> {
        let mut had = self.had.lock().await;
        let keys = match self.server.get() {
            Some(server) => {
                if had.asked.is_some_and(|asked| asked.elapsed() < PAUSE) {
                    return Ok(());
                }
                // Set before for those who leave while they wait, and after for those who wait for this answer: they do
                // not each ask a server that does not answer.
                had.asked = Some(Instant::now());
                let keys = get(&server.client, &server.keys_url).await;
                had.asked = Some(Instant::now());
                keys?
            }
            None => {
                let file = &self.settings.public_keys_file;
                let wrong = |error: std::io::Error| format!("public_keys_file: cannot read {file}: {error}");
                let written = std::fs::metadata(file).and_then(|about| about.modified()).map_err(wrong)?;
                if had.written == Some(written) {
                    return Ok(());
                }
                let keys = std::fs::read(file).map_err(wrong)?;
                had.written = Some(written);
                keys
            }
        };
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Keys::read(&keys)?);
        Ok(())
    }

    /// OpenID Connect Discovery 1.0, 4.
    async fn discover(&self) -> Result<Server, String> {
        let ca_file = self.settings().issuer_ca_path.clone();
        let tls = TlsSettings { material: TlsMaterial { ca_file, ..TlsMaterial::default() }, ..TlsSettings::default() };
        // Keys may be elsewhere, and by TLS, when the provider is not.
        let client = Client::open(&tls, true, Version::Any, Connections::default()).map_err(|e| e.to_string())?;
        let url = format!("{}/.well-known/openid-configuration", self.issuer().trim_end_matches('/'));
        let about: Value = serde_json::from_slice(&get(&client, &url).await?).map_err(|e| format!("{url}: {e}"))?;
        let issuer = about["issuer"].as_str().unwrap_or_default();
        if issuer != self.issuer() {
            return Err(format!("{url}: it calls itself {issuer:?}; issuer_url has to be the same"));
        }
        let keys_url = about["jwks_uri"].as_str().ok_or_else(|| format!("{url}: there is no jwks_uri"))?.to_owned();
        Ok(Server { client, keys_url })
    }
}

async fn get(client: &Client, url: &str) -> Result<Vec<u8>, String> {
    let request = Request::get(url).header(header::USER_AGENT, USER_AGENT).body(Chunks::new([]));
    let request = request.map_err(|error| format!("{url}: {error}"))?;
    let answer = tokio::time::timeout(PATIENCE, client.send_for(request, BYTES_AT_MOST)).await;
    let answer: Answer = answer.map_err(|_| format!("{url}: no answer in time"))?.map_err(|e| format!("{url}: {e}"))?;
    match answer.status.is_success() {
        true => Ok(answer.body.to_vec()),
        false => Err(format!("{url}: the answer is {}", answer.status)),
    }
}
