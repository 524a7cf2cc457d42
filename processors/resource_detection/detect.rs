//! Asking all detectors.

use std::time::Duration;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Config, container, env, system};

/// The schema that attributes of the system follow: that of the Collector's own.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.40.0";
/// Time between two attempts.
const AGAIN: Duration = Duration::from_secs(1);
/// The Collector's other detectors: what they ask is not on this machine.
pub const REMOTE: [&str; 30] = [
    "akamai",
    "aks",
    "alibaba_ecs",
    "azure",
    "azurecontainerapps",
    "consul",
    "digitalocean",
    "docker",
    "dynatrace",
    "ec2",
    "ecs",
    "eks",
    "elastic_beanstalk",
    "elasticbeanstalk",
    "gcp",
    "heroku",
    "hetzner",
    "ibmcloud_classic",
    "ibmcloud_vpc",
    "k8s_api",
    "k8snode",
    "kubeadm",
    "lambda",
    "nova",
    "openshift",
    "oraclecloud",
    "scaleway",
    "tencent_cvm",
    "upcloud",
    "vultr",
];

/// Who can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detector {
    /// The environment.
    Env,
    /// Host and operating system.
    System,
    /// The container that kpulse runs in.
    Container,
    /// A service that kpulse does not ask: nothing is known from it, and the start says so.
    Remote(&'static str),
}

impl Detector {
    /// The detector of this name.
    ///
    /// # Errors
    /// There is none here, or none at all.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "env" => Ok(Self::Env),
            "system" => Ok(Self::System),
            "container" => Ok(Self::Container),
            _ => match REMOTE.into_iter().find(|remote| *remote == name) {
                Some(remote) => Ok(Self::Remote(remote)),
                None => Err(format!("unknown detector {name:?}; known here: env, system, container")),
            },
        }
    }

    fn ask(self, config: &system::Config) -> Result<Detected, String> {
        match self {
            Self::Env => env::detect(|name| std::env::var(name).ok()),
            Self::System => system::detect(config),
            Self::Container => Ok(container::detect()),
            Self::Remote(_) => Ok(Detected::default()),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detected {
    /// Attributes of resources.
    pub attributes: Vec<KeyValue>,
    /// The schema that they follow, where that is known.
    pub schema_url: &'static str,
}

impl Detected {
    /// Adds an attribute, unless there is one already.
    pub fn add(&mut self, key: impl Into<String>, value: Value) {
        let key = key.into();
        if self.attributes.iter().all(|attribute| attribute.key != key) {
            let value = Some(AnyValue { value: Some(value) });
            self.attributes.push(KeyValue { key, value, ..KeyValue::default() });
        }
    }

    /// Adds a text.
    pub fn text(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.add(key, Value::StringValue(text.into()));
    }

    fn join(&mut self, other: Self) {
        if self.schema_url.is_empty() {
            self.schema_url = other.schema_url;
        }
        for KeyValue { key, value, .. } in other.attributes {
            if let Some(value) = value.and_then(|value| value.value) {
                self.add(key, value);
            }
        }
    }
}

/// Asks all detectors, those that fail again and again until the time is over.
///
/// # Errors
/// What the last one that failed said.
pub async fn all(detectors: &[Detector], config: &Config) -> Result<Detected, String> {
    let deadline = Instant::now() + config.timeout;
    let mut found = Detected::default();
    for detector in detectors {
        let one = until(*detector, config.system.clone(), deadline).await?;
        found.join(one);
    }
    Ok(found)
}

async fn until(detector: Detector, config: system::Config, deadline: Instant) -> Result<Detected, String> {
    loop {
        let config = config.clone();
        // Names are looked up by the C library, which blocks.
        let asked = tokio::task::spawn_blocking(move || detector.ask(&config));
        let error = match timeout_at(deadline, asked).await {
            Ok(Ok(Ok(found))) => return Ok(found),
            Ok(Ok(Err(error))) => error,
            Ok(Err(panic)) => return Err(panic.to_string()),
            Err(_) => return Err(format!("no answer in time from detector {detector:?}")),
        };
        if Instant::now() + AGAIN >= deadline {
            return Err(error);
        }
        tracing::warn!(error, "failed to detect resource");
        sleep(AGAIN).await;
    }
}
