//! Finds out where kpulse runs, and says it of every resource.
//!
//! ```yaml
//! resource_detection:
//!   detectors: [env, system, container]
//!   system:
//!     hostname_sources: [os]
//!     resource_attributes:
//!       host.id: {enabled: true}
//! ```
//!
//! Detectors: `env` (attributes in `OTEL_RESOURCE_ATTRIBUTES`), `system` (host and operating system) and
//! `container` (kpulse's own container, as its cgroup or mounts tell; the Collector has none of this name). The first
//! that knows an attribute counts. Those of clouds and of daemons (`ec2`, `gcp`, `docker` ...) ask services over the network;
//! kpulse takes their names and settings, says at its start that it asks none of them, and adds nothing for them:
//! `k8s_attributes` says what the cluster knows. Only resources are decoded. What was found is kept when
//! a later look fails; when the first does, kpulse does not start.

mod container;
mod detect;
mod env;
mod system;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use config::{Decode, Decoder, Node, Rules, Value};
use pipeline::component::{
    BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, Transform, Verdict, decode,
};
use pipeline::{Attributes, Batch, BuildError, Rejected, Signal, StartError, Stop, Tasks};
use tokio::time::{MissedTickBehavior, interval};

use detect::{Detected, Detector};

config::settings! {
    /// What is asked, and what becomes of the answers.
    pub struct Config {
        /// Who is asked, the first that knows an attribute counts: env, system, container.
        pub detectors: Vec<String> = vec!["env".into()],
        /// Whether what was found replaces what a resource says itself.
        pub r#override: bool = true,
        /// How long it may take.
        pub timeout: Duration = Duration::from_secs(5),
        /// How often it is looked again; 0 looks once.
        pub refresh_interval: Duration = Duration::ZERO,
        /// For detector system.
        pub system: system::Config = system::Config::default(),
    }
}

/// The settings without those of detectors that are not asked.
fn without_remote(node: &Node) -> Node {
    let Value::Map(map) = &node.value else {
        return node.clone();
    };
    let mut map = map.clone();
    map.retain(|key, _| !detect::REMOTE.contains(&key.as_str()));
    Node { value: Value::Map(map), ..node.clone() }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        for (index, name) in self.detectors.iter().enumerate() {
            if let Err(message) = Detector::parse(name.trim()) {
                decoder.at("detectors", |d| d.at(index.to_string(), |d| d.error(message)));
            }
        }
        if self.timeout.is_zero() {
            decoder.at("timeout", |d| d.error("must be greater than 0"));
        }
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "resource_detection",
    alias: Some("resourcedetection"),
    signals: &Signal::ALL,
    stability: Stability::Beta,
    sample: "detectors: [env, system, container]\nsystem:\n  hostname_sources: [os]\n  resource_attributes:\n    \
             host.id: {enabled: true}\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(&without_remote(node), decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let detectors = self.detectors.iter().map(|name| Detector::parse(name.trim()));
        let detectors = detectors.collect::<Result<_, _>>().map_err(|message| BuildError::of(&cx, message))?;
        let id = cx.id.to_string();
        Ok(Processor::Transform(Arc::new(Describe { id, config: self.clone(), detectors, found: Arc::default() })))
    }
}

struct Describe {
    id: String,
    config: Config,
    detectors: Vec<Detector>,
    found: Arc<RwLock<Arc<Detected>>>,
}

#[async_trait]
impl Transform for Describe {
    async fn start(&self, tasks: &mut Tasks) -> Result<(), StartError> {
        for detector in &self.detectors {
            if let Detector::Remote(name) = detector {
                let (processor, detector) = (&self.id, name);
                tracing::warn!(
                    processor,
                    detector,
                    "The detector asks a service, which kpulse does not do: it adds nothing."
                );
            }
        }
        let found = detect::all(&self.detectors, &self.config).await;
        let found = found.map_err(|message| StartError(format!("cannot start processor {}: {message}", self.id)))?;
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
        if !self.config.refresh_interval.is_zero() {
            let (detectors, config, found) = (self.detectors.clone(), self.config.clone(), self.found.clone());
            tasks.spawn(self.id.clone(), refresh(detectors, config, found, tasks.stop()));
        }
        Ok(())
    }

    fn apply(&self, mut batch: Batch) -> Verdict {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner).clone();
        let changed = batch.describe_resources(found.schema_url, |resource| {
            for attribute in &found.attributes {
                if self.config.r#override || !resource.attributes.has(&attribute.key) {
                    resource.attributes.put(&attribute.key, attribute.value.clone().unwrap_or_default());
                }
            }
        });
        match changed {
            Ok(()) => Verdict::Pass(batch),
            Err(undecodable) => Verdict::Reject(Rejected::permanent(undecodable.to_string())),
        }
    }
}

/// Looks again and again, until it is told to stop.
async fn refresh(detectors: Vec<Detector>, config: Config, found: Arc<RwLock<Arc<Detected>>>, mut stop: Stop) {
    let mut ticks = interval(config.refresh_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => match detect::all(&detectors, &config).await {
                Ok(new) => *found.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new),
                Err(error) => tracing::warn!(error, "resource refresh failed; keeping what was found before"),
            },
            () = stop.requested() => return,
        }
    }
}
