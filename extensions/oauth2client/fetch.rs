//! Asking for a token.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use config::escaped;
use transport::{Chunks, Request, USER_AGENT, header};

use super::answer::Token;
use super::{GRANT, OAuth2Client};
use crate::secret;

impl OAuth2Client {
    /// Id and secret, as they are now.
    pub(super) fn login(&self) -> Result<(String, String), String> {
        let config = &self.config;
        let id = secret::current("client_id_file", &config.client_id, &config.client_id_file)?;
        let secret = secret::current("client_secret_file", config.client_secret.reveal(), &config.client_secret_file)?;
        Ok((id, secret))
    }

    /// A new token. Which way to say id and secret the server wants is found out the first time.
    pub(super) async fn fetch(&self) -> Result<Token, String> {
        if let Some(wants_form) = self.wants_form.get() {
            return self.ask(*wants_form).await;
        }
        let (wants_form, answer) = match self.ask(false).await {
            Ok(token) => (false, Ok(token)),
            Err(_) => (true, self.ask(true).await),
        };
        if answer.is_ok() {
            let _ = self.wants_form.set(wants_form);
        }
        answer
    }

    async fn ask(&self, in_form: bool) -> Result<Token, String> {
        let client = self.client.get().ok_or("the extension has not started")?;
        let (id, secret) = self.login()?;
        let mut request = Request::post(&self.config.token_url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::USER_AGENT, USER_AGENT);
        if !in_form {
            let login = STANDARD.encode(format!("{}:{}", escaped(&id), escaped(&secret)));
            request = request.header(header::AUTHORIZATION, format!("Basic {login}"));
        }
        let login = in_form.then_some((id.as_str(), secret.as_str()));
        let request = request.body(Chunks::new([Bytes::from(self.form(login))])).map_err(|e| e.to_string())?;
        let answer = client.send(request);
        let answer = match self.config.timeout {
            limit if limit.is_zero() => answer.await,
            limit => tokio::time::timeout(limit, answer).await.map_err(|_| "no answer in time")?,
        };
        Token::read(&answer.map_err(|e| e.to_string())?, Instant::now())
    }

    fn form(&self, login: Option<(&str, &str)>) -> String {
        let config = &self.config;
        let scope = config.scopes.join(" ");
        let mut fields = vec![("grant_type", GRANT)];
        fields.extend(Some(("scope", scope.as_str())).filter(|_| !config.scopes.is_empty()));
        fields.retain(|(name, _)| !config.endpoint_params.contains_key(*name));
        let more =
            config.endpoint_params.iter().flat_map(|(name, values)| values.iter().map(|v| (name.as_str(), v.as_str())));
        fields.extend(more);
        fields.extend(login.into_iter().flat_map(|(id, secret)| [("client_id", id), ("client_secret", secret)]));
        fields.sort_by_key(|(name, _)| *name);
        let fields = fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
        fields.collect::<Vec<_>>().join("&")
    }
}
