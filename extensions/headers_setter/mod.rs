//! Headers of exporters' requests, out of the settings or of what the sender of a batch said.
//!
//! ```yaml
//! headers_setter:
//!   headers:
//!     - {key: X-Scope-OrgID, action: insert, from_context: tenant_id, default_value: nobody}
//!     - {key: User-ID, value: kpulse}
//!     - {key: Some-Header, action: delete}
//! ```
//!
//! An exporter names it: `auth: {authenticator: headers_setter}`. What comes `from_context` is a header of the request that
//! brought the batch: its receiver needs `include_metadata: true`, and a batch that was put together of several keeps it if
//! `metadata_keys` name it. What comes `from_attribute` is what an extension found out about the sender, for instance
//! `username`. A header of which there is nothing to say is sent empty, as the Collector does.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Decoder, Opaque, Rules};
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::{BuildError, Credentials, HeaderStep, Health, Origin, StartError, Tasks};
use tokio::sync::watch;

use crate::secret;

config::settings! {
    /// Headers of exporters' requests.
    pub struct Config {
        /// What is done, in this order.
        pub headers: Vec<Header> = Vec::new(),
        /// An extension that says before who the client is.
        pub additional_auth: String = String::new(),
    }
}

config::settings! {
    /// One header. Its value has one source: value, value_file, from_context or from_attribute.
    pub struct Header {
        /// Its name.
        pub key: String = String::new(),
        /// What is done with it.
        pub action: Action = Action::Upsert,
        /// Its value.
        pub value: Option<String> = None,
        /// The file that has the value. It is read for each request.
        pub value_file: Option<String> = None,
        /// The header of the sender's request that has the value.
        pub from_context: Option<String> = None,
        /// What an extension found out about the sender, by its name.
        pub from_attribute: Option<String> = None,
        /// The value if the sender said nothing.
        pub default_value: Option<Opaque> = None,
    }
}

config::words! {
    /// What is done with a header.
    pub enum Action: "action" {
        /// It has the value if there was none.
        Insert = "insert",
        /// It has the value if there was another.
        Update = "update",
        /// It has the value.
        Upsert = "upsert",
        /// There is none.
        Delete = "delete",
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.headers.is_empty() {
            decoder.at("headers", |d| d.error("must have at least one"));
        }
    }
}

impl Rules for Header {
    fn rules(&self, decoder: &mut Decoder) {
        if self.key.is_empty() {
            decoder.at("key", |d| d.error("must be the name of a header"));
        }
        let sources = [&self.value, &self.value_file, &self.from_context, &self.from_attribute];
        if self.action != Action::Delete && sources.iter().filter(|source| source.is_some()).count() != 1 {
            decoder.error("must have one of value, value_file, from_context and from_attribute");
        }
    }
}

/// Its row in the extensions' table.
pub static FACTORY: ExtensionFactory = Factory {
    name: "headers_setter",
    alias: None,
    signals: &[],
    stability: Stability::Alpha,
    sample: "headers:\n  - {key: X-Scope-OrgID, action: insert, from_context: tenant_id, default_value: nobody}\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExtensionConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Extension>, BuildError> {
        let before = Some(&self.additional_auth).filter(|id| !id.is_empty());
        let before = before.map(|id| cx.credentials(id)).transpose()?;
        Ok(Arc::new(HeadersSetter { headers: self.headers.clone(), before }))
    }
}

struct HeadersSetter {
    headers: Vec<Header>,
    before: Option<Arc<dyn Credentials>>,
}

#[async_trait]
impl Extension for HeadersSetter {
    async fn start(&self, _: watch::Receiver<Health>, _: &mut Tasks) -> Result<(), StartError> {
        // Told now rather than at the first export.
        let mut files = self.headers.iter().filter_map(|header| header.value_file.as_ref());
        files.try_for_each(|file| secret::current("value_file", "", file).map(drop).map_err(StartError))
    }

    fn credentials(self: Arc<Self>) -> Option<Arc<dyn Credentials>> {
        Some(self)
    }
}

#[async_trait]
impl Credentials for HeadersSetter {
    async fn headers(&self, origin: &Origin) -> Result<Vec<HeaderStep>, String> {
        let mut steps = match &self.before {
            Some(before) => before.headers(origin).await?,
            None => Vec::new(),
        };
        for header in &self.headers {
            steps.push(header.step(origin)?);
        }
        Ok(steps)
    }
}

impl Header {
    fn step(&self, origin: &Origin) -> Result<HeaderStep, String> {
        let (name, value) = (self.key.to_ascii_lowercase(), self.current(origin)?);
        Ok(match self.action {
            Action::Insert => HeaderStep::Add(name, value),
            Action::Update => HeaderStep::Change(name, value),
            Action::Upsert => HeaderStep::Set(name, value),
            Action::Delete => HeaderStep::Remove(name),
        })
    }

    fn current(&self, origin: &Origin) -> Result<String, String> {
        if let Some(value) = &self.value {
            return Ok(value.clone());
        }
        if let Some(file) = &self.value_file {
            return secret::current("value_file", "", file);
        }
        let said = match (&self.from_context, &self.from_attribute) {
            (Some(name), _) => only(origin.metadata.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)), name)?,
            (_, Some(name)) => origin.identity.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()),
            (None, None) => None,
        };
        let otherwise = || self.default_value.as_ref().map(|value| value.reveal().to_owned());
        Ok(said.or_else(otherwise).unwrap_or_default())
    }
}

/// The one value, if there are not several.
fn only<'a>(mut values: impl Iterator<Item = &'a (String, String)>, name: &str) -> Result<Option<String>, String> {
    let first = values.next().map(|(_, value)| value.clone());
    match values.next() {
        Some(_) => Err(format!("the sender said {name} more than once: it is not clear which one counts")),
        None => Ok(first),
    }
}
