//! What exporters say.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::extension::Extension;
use pipeline::{Credentials, HeaderStep, Health, Origin, StartError, Tasks};
use tokio::sync::watch;

use super::ClientAuth;
use crate::secret;

/// Says user and password.
pub struct BasicClient {
    login: ClientAuth,
}

impl BasicClient {
    /// Of these settings.
    pub fn new(login: ClientAuth) -> Self {
        Self { login }
    }

    fn value(&self) -> Result<String, String> {
        let ClientAuth { username, username_file, password, password_file } = &self.login;
        let user = secret::current("client_auth::username_file", username, username_file)?;
        if user.contains(':') {
            return Err("client_auth::username_file: a user has no colon, which ends it".into());
        }
        let password = secret::current("client_auth::password_file", password.reveal(), password_file)?;
        Ok(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }
}

#[async_trait]
impl Extension for BasicClient {
    async fn start(&self, _: watch::Receiver<Health>, _: &mut Tasks) -> Result<(), StartError> {
        // Told now rather than at the first export.
        self.value().map(drop).map_err(StartError)
    }

    fn credentials(self: Arc<Self>) -> Option<Arc<dyn Credentials>> {
        Some(self)
    }
}

#[async_trait]
impl Credentials for BasicClient {
    async fn headers(&self, _: &Origin) -> Result<Vec<HeaderStep>, String> {
        Ok(vec![HeaderStep::Set("authorization".into(), self.value()?)])
    }
}
