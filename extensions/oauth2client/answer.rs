//! What a server of tokens answers.

use std::time::{Duration, Instant};

use config::{Opaque, unescaped};
use serde_json::Value;
use transport::{Answer, header};

/// A token.
#[derive(Debug, PartialEq)]
pub struct Token {
    kind: String,
    secret: Opaque,
    /// None when it lasts for ever.
    until: Option<Instant>,
}

impl Token {
    /// Whether it is still good then.
    pub fn lasts(&self, then: Instant) -> bool {
        self.until.is_none_or(|until| until > then)
    }

    /// The value of the header Authorization.
    pub fn header(&self) -> String {
        let kind = match self.kind.to_ascii_lowercase().as_str() {
            "" | "bearer" => "Bearer",
            "mac" => "MAC",
            "basic" => "Basic",
            _ => &self.kind,
        };
        format!("{kind} {}", self.secret.reveal())
    }

    /// Reads an answer: JSON, or a form.
    ///
    /// # Errors
    /// What the server said instead.
    pub fn read(answer: &Answer, now: Instant) -> Result<Self, String> {
        let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_form = ["application/x-www-form-urlencoded", "text/plain"].iter().any(|form| kind.starts_with(form));
        let text = String::from_utf8_lossy(&answer.body);
        let fields = if is_form { form(&text) } else { serde_json::from_str(&text).unwrap_or_default() };
        let field = |name: &str| match &fields[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let (error, why) = (field("error"), field("error_description"));
        if !answer.status.is_success() || !error.is_empty() {
            return Err(format!("{} {error} {why}", answer.status).trim_end().to_owned());
        }
        let secret = Opaque::new(field("access_token"));
        if secret.reveal().is_empty() {
            return Err("the answer has no access_token".into());
        }
        // As a number, or a text with one.
        let lasts = field("expires_in").parse::<f64>().ok().filter(|seconds| *seconds >= 1.0 && *seconds < 1e10);
        let until = lasts.map(|seconds| now + Duration::from_secs(seconds as u64));
        Ok(Self { kind: field("token_type"), secret, until })
    }
}

fn form(text: &str) -> Value {
    let plain = |text: &str| unescaped(&text.replace('+', " ")).unwrap_or_default();
    let pairs = text.trim().split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (plain(name), Value::String(plain(value)))).collect()
}
