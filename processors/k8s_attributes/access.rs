//! The way to the API server.

use std::time::Duration;

use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, KubeconfigError};
use kube::{Client, Config as Connection};
use tower::limit::RateLimitLayer;

use super::Config;
use super::settings::AuthType;

/// Requests a second and at once, where nothing is set: those of Kubernetes' own client.
const DEFAULT_RATE: (f64, u64) = (5.0, 10);

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The environment is not that of a pod.
    #[error("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be set, as they are in a pod")]
    NotInCluster,
    /// They do not make an address.
    #[error("the address of the API server: {0}")]
    Address(String),
    /// What Kubernetes mounts into a pod could not be read.
    #[error("service account: {0}")]
    ServiceAccount(String),
    /// The kubeconfig is missing or cannot be used.
    #[error("kubeconfig: {0}")]
    KubeConfig(#[from] KubeconfigError),
    /// The client could not be made of all this.
    #[error("client: {0}")]
    Client(#[from] kube::Error),
}

/// A client by the configured way. Files are read anew, so that what changed in them counts.
///
/// # Errors
/// What is missing.
pub async fn client(config: &Config) -> Result<Client, AccessError> {
    let connection = match config.auth_type {
        AuthType::KubeConfig => {
            let context = Some(config.context.clone()).filter(|context| !context.is_empty());
            Connection::from_kubeconfig(&KubeConfigOptions { context, ..KubeConfigOptions::default() }).await?
        }
        AuthType::ServiceAccount => {
            server()?;
            Connection::incluster_env().map_err(|error| AccessError::ServiceAccount(error.to_string()))?
        }
        AuthType::None => {
            let address = server()?.parse().map_err(|error| AccessError::Address(format!("{error}")))?;
            let mut connection = Connection::new(address);
            connection.accept_invalid_certs = true;
            connection
        }
    };
    let rate = if config.kube_api_qps > 0.0 { config.kube_api_qps } else { DEFAULT_RATE.0 };
    let burst = u64::try_from(config.kube_api_burst).ok().filter(|burst| *burst > 0).unwrap_or(DEFAULT_RATE.1);
    let limit = RateLimitLayer::new(burst, Duration::from_secs_f64(burst as f64 / rate));
    Ok(ClientBuilder::try_from(connection)?.with_layer(&limit).build())
}

/// Why there can be no way for as long as this process lives: its environment, which never changes, names no cluster.
pub fn never(config: &Config) -> Option<AccessError> {
    if config.auth_type == AuthType::KubeConfig {
        return None;
    }
    server().err()
}

fn server() -> Result<String, AccessError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let host = variable("KUBERNETES_SERVICE_HOST").ok_or(AccessError::NotInCluster)?;
    let port = variable("KUBERNETES_SERVICE_PORT").ok_or(AccessError::NotInCluster)?;
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Ok(format!("https://{host}:{port}"))
}
