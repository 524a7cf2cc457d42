//! The settings of the stack, named as in the Collector.

use std::sync::Arc;
use std::time::Duration;

use config::{Decoder, Rules, Section};
use opentelemetry::KeyValue;

use super::QueueSettings;
use crate::component::BuildContext;
use crate::storage::Storages;
use crate::{BuildError, Signal};

/// Which stages an exporter has in front of it. The default is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivery {
    /// Holds batches while the exporter is busy.
    pub queue: Option<QueueSettings>,
    /// Sends again what failed.
    pub retry: Option<RetrySettings>,
    /// How often at most it is sent again; none is as often as the time of retries allows.
    pub max_retries: Option<u32>,
    /// Ends an attempt that takes longer.
    pub timeout: Option<Duration>,
    /// Where each signal goes, if own metrics are to tell.
    pub servers: Vec<(Signal, Server)>,
}

/// A server that an exporter sends to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// Its name or address.
    pub address: String,
    /// Its port, if it is said.
    pub port: Option<u16>,
    /// The path of requests, if they have one.
    pub path: String,
}

impl Server {
    /// The server of a URL.
    pub fn of_url(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let path = path.split(['?', '#']).next().unwrap_or_default().to_owned();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (address, port) = match host.rsplit_once(':').map(|(address, port)| (address, port.parse().ok())) {
            Some((address, Some(port))) => (address, Some(port)),
            _ => (host, None),
        };
        let address = address.trim_start_matches('[').trim_end_matches(']').to_owned();
        (!address.is_empty()).then_some(Self { address, port, path })
    }

    /// The attributes of semantic conventions that tell it.
    pub(super) fn labels(&self) -> Vec<KeyValue> {
        let path = Some(&self.path).filter(|path| !path.is_empty());
        let mut labels = vec![KeyValue::new("server.address", self.address.clone())];
        labels.extend(self.port.map(|port| KeyValue::new("server.port", i64::from(port))));
        labels.extend(path.map(|path| KeyValue::new("url.path", path.clone())));
        labels
    }
}

impl Delivery {
    /// Where this signal goes.
    pub(super) fn server(&self, signal: Signal) -> Option<&Server> {
        self.servers.iter().find(|(own, _)| *own == signal).map(|(_, server)| server)
    }

    /// The same, where own metrics tell these servers.
    pub fn to(self, servers: impl IntoIterator<Item = (Signal, Server)>) -> Self {
        Self { servers: servers.into_iter().collect(), ..self }
    }

    /// The storage that the queue is to be in.
    pub(crate) fn storages(&self, cx: &BuildContext) -> Result<Option<Arc<dyn Storages>>, BuildError> {
        let Some(id) = self.queue.as_ref().and_then(|queue| queue.storage.get()) else {
            return Ok(None);
        };
        let extension = cx.extensions.get(id).map_err(|message| BuildError::of(cx, message))?;
        let storages = extension.clone().storages();
        let missing = || BuildError::of(cx, format!("extension \"{id}\" is not a storage extension"));
        storages.ok_or_else(missing).map(Some)
    }

    /// A queue alone, for exporters that have nobody to try again with.
    pub fn queued(queue: &Section<QueueSettings>) -> Self {
        Self { queue: queue.get().cloned(), ..Self::default() }
    }

    /// The stages that an exporter's settings turn on; a timeout of zero is none.
    pub fn new(queue: &Section<QueueSettings>, retry: &Section<RetrySettings>, timeout: Duration) -> Self {
        Self {
            queue: queue.get().cloned(),
            retry: retry.get().cloned(),
            max_retries: None,
            servers: Vec::new(),
            timeout: Some(timeout).filter(|timeout| !timeout.is_zero()),
        }
    }
}

config::settings! {
    /// How a batch that failed is sent again.
    pub struct RetrySettings {
        /// The wait after the first failure.
        pub initial_interval: Duration = Duration::from_secs(5),
        /// A wait is drawn from this share below to this share above its interval.
        pub randomization_factor: f64 = 0.5,
        /// The interval grows by this with every failure.
        pub multiplier: f64 = 1.5,
        /// The interval grows no further.
        pub max_interval: Duration = Duration::from_secs(30),
        /// No attempt begins later than this after the first; 0 is never too late.
        pub max_elapsed_time: Duration = Duration::from_secs(300),
    }
}

impl Rules for RetrySettings {
    fn rules(&self, decoder: &mut Decoder) {
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            decoder.at("randomization_factor", |d| d.error("must be between 0 and 1"));
        }
        if !(self.multiplier >= 0.0 && self.multiplier.is_finite()) {
            decoder.at("multiplier", |d| d.error("must not be negative"));
        }
        let longest = self.initial_interval.max(self.max_interval);
        if !self.max_elapsed_time.is_zero() && self.max_elapsed_time < longest {
            decoder.at("max_elapsed_time", |d| d.error("must not be below initial_interval or max_interval"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn a_url_has_an_address_and_maybe_a_port_and_a_path() {
        for (url, address, port, path) in [
            ("http://a.b:4318/v1/logs?x=1", "a.b", Some(4318), "/v1/logs"),
            ("https://me:pw@[::1]:4317", "::1", Some(4317), ""),
            ("https://host/", "host", None, "/"),
        ] {
            let wanted = Server { address: address.into(), port, path: path.into() };
            assert_eq!(Server::of_url(url), Some(wanted), "{url}");
        }
        assert_eq!(Server::of_url("host:1"), None);
    }
}
