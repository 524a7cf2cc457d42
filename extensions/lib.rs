//! What runs beside the pipelines: one folder per extension, one row per extension in [`ALL`].

use pipeline::extension::ExtensionFactory;

#[cfg(test)]
mod answering;
pub mod basic_auth;
pub mod bearer_token_auth;
pub mod file_storage;
pub mod headers_setter;
pub mod health_check;
pub mod oauth2client;
pub mod oidc;
pub mod pprof;
mod secret;
mod server;
pub mod zpages;

/// Every extension.
pub static ALL: &[&ExtensionFactory] = &[
    &basic_auth::FACTORY,
    &bearer_token_auth::FACTORY,
    &file_storage::FACTORY,
    &headers_setter::FACTORY,
    &health_check::FACTORY,
    &oauth2client::FACTORY,
    &oidc::FACTORY,
    &pprof::FACTORY,
    &zpages::FACTORY,
];
