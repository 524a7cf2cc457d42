//! Lets in clients with a token of an OpenID Connect provider.
//!
//! ```yaml
//! oidc:
//!   providers:
//!     - issuer_url: https://auth.example.com/realms/telemetry
//!       audience: collector
//!       groups_claim: groups
//! ```
//!
//! A server names it: `auth: {authenticator: oidc}`. The token (`Authorization: Bearer ...`) has to be signed by a key of the
//! provider that it names as issuer, for this audience, and not be over. Keys are found by the provider's discovery at the
//! start, and asked for again when a token is signed by another, but no more often than every few seconds; with
//! `public_keys_file` they are that file's, which is read again when it changes. Signatures may be RS, PS (256, 384, 512),
//! ES256, ES384 or EdDSA. Who is let in is known as `subject`, `membership` (groups, with `;` between them), `raw` and by
//! each claim; others get 401, or UNAUTHENTICATED.

mod claims;
mod jwt;
mod keys;
mod provider;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules};
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::{Authenticator, BuildError, Health, Identity, Said, StartError, Tasks};
use tokio::sync::watch;

use jwt::Jwt;
use provider::Provider;

config::settings! {
    /// Lets in clients with a token of an OpenID Connect provider. The settings of one may stand here, those of more in
    /// providers.
    pub struct Config (pub provider: ProviderSettings = ProviderSettings::default()) {
        /// The header that has the token.
        pub attribute: String = "authorization".into(),
        /// Who gives tokens.
        pub providers: Vec<Listed> = Vec::new(),
    }
}

config::settings! {
    /// Who gives tokens.
    pub struct ProviderSettings {
        /// The provider's URL, as its tokens have it.
        pub issuer_url: String = String::new(),
        /// For whom tokens have to be.
        pub audience: String = String::new(),
        /// Whether they may be for anybody.
        pub ignore_audience: bool = false,
        /// PEM file with the certificates to trust, if not the machine's own.
        pub issuer_ca_path: String = String::new(),
        /// The claim that says who it is, if not sub.
        pub username_claim: String = String::new(),
        /// The claim that says of which groups.
        pub groups_claim: String = String::new(),
    }
}

config::settings! {
    /// One of several who give tokens.
    pub struct Listed (pub provider: ProviderSettings = ProviderSettings::default()) {
        /// File with its public keys (a JSON Web Key Set); it is not asked for them then.
        pub public_keys_file: String = String::new(),
    }
}

impl Rules for ProviderSettings {}

impl Rules for Listed {
    fn rules(&self, decoder: &mut Decoder) {
        self.provider.check(decoder);
    }
}

impl ProviderSettings {
    fn check(&self, decoder: &mut Decoder) {
        if self.audience.is_empty() && !self.ignore_audience {
            decoder.error("audience must be set, or ignore_audience");
        }
        if self.issuer_url.is_empty() {
            decoder.error("issuer_url must be set");
        }
    }
}

impl Config {
    /// All of them.
    fn all(&self) -> Vec<Listed> {
        let here = Some(&self.provider).filter(|provider| **provider != ProviderSettings::default());
        let here = here.map(|provider| Listed { provider: provider.clone(), ..Listed::default() });
        here.into_iter().chain(self.providers.iter().cloned()).collect()
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        let all = self.all();
        if all.len() > self.providers.len() {
            self.provider.check(decoder);
        }
        if all.is_empty() {
            decoder.error("issuer_url or providers must be set");
        }
        for (index, one) in all.iter().enumerate() {
            let issuer = &one.provider.issuer_url;
            if !issuer.is_empty() && all[..index].iter().any(|other| other.provider.issuer_url == *issuer) {
                decoder.at("providers", |d| d.error(format!("{issuer} is named twice")));
            }
        }
    }
}

/// Its row in the extensions' table.
pub static FACTORY: ExtensionFactory = Factory {
    name: "oidc",
    alias: None,
    signals: &[],
    stability: Stability::Alpha,
    sample: "providers:\n  - issuer_url: https://auth.example.com/realms/telemetry\n    audience: collector\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExtensionConfig for Config {
    fn build(&self, _: BuildContext) -> Result<Arc<dyn Extension>, BuildError> {
        let providers = self.all().into_iter().map(Provider::new).collect();
        Ok(Arc::new(Oidc { attribute: self.attribute.clone(), providers }))
    }
}

struct Oidc {
    attribute: String,
    providers: Vec<Provider>,
}

#[async_trait]
impl Extension for Oidc {
    async fn start(&self, _: watch::Receiver<Health>, _: &mut Tasks) -> Result<(), StartError> {
        for provider in &self.providers {
            provider.open().await.map_err(|why| StartError(format!("{}: {why}", provider.issuer())))?;
        }
        Ok(())
    }

    fn authenticator(self: Arc<Self>) -> Option<Arc<dyn Authenticator>> {
        Some(self)
    }
}

#[async_trait]
impl Authenticator for Oidc {
    async fn authenticate(&self, said: &Said<'_>) -> Result<Identity, String> {
        let answer = self.identify(said).await;
        if let Err(why) = &answer {
            tracing::debug!(why, "a client was not let in");
        }
        answer
    }
}

impl Oidc {
    async fn identify(&self, said: &Said<'_>) -> Result<Identity, String> {
        let value = said(&self.attribute).ok_or("authentication didn't succeed")?;
        let (_, raw) =
            value.split_once(' ').filter(|(_, raw)| !raw.contains(' ')).ok_or("invalid authorization header format")?;
        let jwt = Jwt::read(raw).map_err(|why| format!("failed to parse the token: {why}"))?;
        let issuer = jwt.claims["iss"].as_str().unwrap_or_default();
        // Who is the only one says itself that the token is another's.
        let provider = match &self.providers[..] {
            [only] => Some(only),
            all => all.iter().find(|provider| provider.issuer() == issuer),
        };
        let provider = provider.ok_or_else(|| format!("no OIDC provider configured for the issuer {issuer:?}"))?;
        provider.verify(&jwt).await.map_err(|why| format!("failed to verify token: {why}"))?;
        claims::identity(provider.settings(), raw, &jwt.claims)
    }
}
