//! What a token says, and who that is.

use std::time::{SystemTime, UNIX_EPOCH};

use pipeline::Identity;
use serde_json::Value;

use super::ProviderSettings;

/// A clock of the provider's may be so much ahead, as in the Collector.
const AHEAD_SECONDS: f64 = 300.0;

/// Whether a token with these claims counts now.
///
/// # Errors
/// Why not.
pub fn check(settings: &ProviderSettings, claims: &Value) -> Result<(), String> {
    let ProviderSettings { issuer_url, audience, ignore_audience, .. } = settings;
    let issuer = claims["iss"].as_str().unwrap_or_default();
    if issuer != issuer_url {
        return Err(format!("it is of another provider: {issuer:?} instead of {issuer_url:?}"));
    }
    let is_for_us = match &claims["aud"] {
        Value::String(one) => one == audience,
        Value::Array(all) => all.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    };
    if !ignore_audience && !is_for_us {
        return Err(format!("it is not for the audience {audience:?}"));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let until = claims["exp"].as_f64().ok_or("it does not say how long it lasts")?;
    if until <= now {
        return Err("it is over".into());
    }
    match claims["nbf"].as_f64() {
        Some(from) if from > now + AHEAD_SECONDS => Err("it does not count yet".into()),
        _ => Ok(()),
    }
}

/// Who the client is.
///
/// # Errors
/// When a claim is not there that has to say it.
pub fn identity(settings: &ProviderSettings, raw: &str, claims: &Value) -> Result<Identity, String> {
    let ProviderSettings { username_claim, groups_claim, .. } = settings;
    let named = |name: &str| match name {
        "" => Ok(None),
        name => claims.get(name).map(Some).ok_or_else(|| format!("the token has no claim {name:?}")),
    };
    let subject = match named(username_claim)? {
        Some(Value::String(subject)) => subject.clone(),
        Some(_) => return Err(format!("the claim {username_claim:?} is no text")),
        None => claims["sub"].as_str().unwrap_or_default().to_owned(),
    };
    let membership = named(groups_claim)?.map(text).unwrap_or_default();
    let mut identity = vec![
        ("subject".to_owned(), subject),
        ("membership".to_owned(), membership),
        ("raw".to_owned(), raw.to_owned()),
    ];
    let others = claims.as_object().into_iter().flatten();
    identity.extend(others.map(|(name, value)| (name.clone(), text(value))));
    Ok(identity)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join(";"),
        other => other.to_string(),
    }
}
