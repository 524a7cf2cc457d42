//! Documents into Elasticsearch 8 and newer, through its bulk API.
//!
//! ```yaml
//! elasticsearch:
//!   endpoint: https://localhost:9200
//!   user: elastic
//!   password: ${env:ELASTIC_PASSWORD}
//! ```
//!
//! Every log record and every span is a document, every event of a span is one beside the logs, data points that share
//! resource, scope, time and attributes are one together, and every sample of a profile is one. They go into the data
//! streams `<signal>-generic.otel-default` in the layout of Elasticsearch's own templates for OpenTelemetry (8.16 has
//! them; `deploy/elasticsearch` has one for profiles). The attributes `data_stream.dataset` and `data_stream.namespace`
//! of the item, its scope or its resource, or `elasticsearch.index`, choose others; they are not written themselves.
//!
//! The answer is read document by document. What the server could not take now (`retry::retry_on_status`) is sent
//! again, and only that; what it will never take, say a field of another type, is counted in
//! `kpulse_exporter_rejected_items` by the server's name of the fault, and logged now and then. A request that is too
//! large for the server is sent as two. Unlike the Collector, which gives up after two more tries and makes the other
//! exporters wait when ten batches are held, tries go on for five minutes unless `max_retries` is set, and the queue is
//! that of every exporter. A document whose answer got lost may come twice, unless it has an id.
//!
//! A sample has `value`, `sample_type`, `unit`, `duration` and `stack`: `leaf`, `frames` from the innermost outwards,
//! and `folded`, the same from the outermost inwards in one line, as flame graphs are made of.
//!
//! Elasticsearch has no field for cumulative histograms, and the Collector drops them. Here each is written as what was
//! added since the point before it; the first of a series that began before kpulse tells nothing and is counted as
//! rejected.

mod answer;
mod buckets;
mod counts;
mod cumulative;
mod date;
mod delivery;
mod deltas;
mod documents;
mod encoder;
mod endpoints;
mod json;
mod logs;
mod metrics;
mod otel;
mod points;
mod profiles;
mod rest;
mod route;
mod settings;
#[cfg(test)]
mod tests;
mod traces;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use config::Decode;
use pipeline::component::{BuildContext, Exporter, ExporterConfig, ExporterFactory, Factory, Stability, decode};
use pipeline::delivery::{Delivery, QueueSettings};
use pipeline::{Batch, BuildError, Owner, Rejected, Signal, StartError, Tasks};
use transport::{Client, Connections, HeaderMap, Version, header};

use counts::Counts;
use delivery::Sender;
use documents::Documents;
use encoder::Encoder;
pub use settings::Config;

/// Its row in the exporters' table.
pub static FACTORY: ExporterFactory = Factory {
    name: "elasticsearch",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "endpoint: https://localhost:9200\nuser: elastic\npassword: secret\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExporterConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Exporter>, BuildError> {
        let endpoints = endpoints::of(self).map_err(|fault| BuildError::of(&cx, fault.message))?;
        let sender = Sender::new(self, endpoints, self.request_headers(), Counts::new(&cx));
        let encoder = Encoder::new(self);
        Ok(Arc::new(Elasticsearch {
            config: self.clone(),
            encoder,
            sender,
            client: OnceLock::new(),
            owner: Owner::new(),
        }))
    }

    fn delivery(&self) -> Delivery {
        let workers = |queue: &QueueSettings| match self.num_workers {
            0 => queue.num_consumers,
            workers => workers,
        };
        Delivery {
            queue: self
                .sending_queue
                .get()
                .map(|queue| QueueSettings { num_consumers: workers(queue), ..queue.clone() }),
            retry: self.retry.stage(),
            max_retries: self.retry.at_most(),
            timeout: Some(self.timeout).filter(|timeout| !timeout.is_zero()),
            ..Delivery::default()
        }
    }
}

impl Config {
    fn request_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let user_agent = header::HeaderValue::from_static(transport::USER_AGENT);
        headers.insert(header::USER_AGENT, user_agent);
        let authorization = match (self.api_key.reveal(), self.user.as_str()) {
            ("", "") => None,
            ("", user) => Some(format!("Basic {}", BASE64.encode(format!("{user}:{}", self.password.reveal())))),
            (key, _) => Some(format!("ApiKey {key}")),
        };
        let authorization = authorization.and_then(|text| header::HeaderValue::try_from(text).ok());
        if let Some(mut value) = authorization {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        headers.extend(self.headers.to_map());
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/x-ndjson"));
        if let Some(encoding) = self.compression.encoding() {
            headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static(encoding));
        }
        headers
    }
}

struct Elasticsearch {
    config: Config,
    encoder: Encoder,
    sender: Sender,
    client: OnceLock<Client>,
    owner: Owner,
}

#[async_trait]
impl Exporter for Elasticsearch {
    async fn start(&self, _: &mut Tasks) -> Result<(), StartError> {
        let client = Client::open(&self.config.tls, self.sender.speaks_tls(), Version::Any, Connections::default());
        let client = client.map_err(|e| StartError(e.to_string()))?;
        self.client.set(client).map_err(|_| StartError("started twice".into()))
    }

    async fn send(&self, mut batch: Batch) -> Result<(), Rejected> {
        let Some(client) = self.client.get() else {
            return Err(Rejected::closed("not started"));
        };
        let documents = self.documents(&mut batch)?;
        let (left, rejected) = self.sender.deliver(client, &documents).await;
        if left.is_empty() {
            return Ok(());
        }
        let rejected = rejected.unwrap_or_else(|| Rejected::retryable("some documents could not be taken yet"));
        if is_all(&left, &documents) {
            return Err(rejected);
        }
        let (rest, bulks) = rest::of(&batch, &left).map_err(|e| Rejected::permanent(e.to_string()))?;
        rest.prepared().keep_own(&self.owner, Arc::new(Documents { bulks, ..Documents::default() }));
        Err(Rejected { rest: Some(rest), ..rejected })
    }
}

impl Elasticsearch {
    /// The batch's documents, made at its first attempt.
    fn documents(&self, batch: &mut Batch) -> Result<Arc<Documents>, Rejected> {
        if let Some(documents) = batch.prepared().get_own(&self.owner) {
            return Ok(documents);
        }
        let documents = self.encoder.documents(batch).map_err(|e| Rejected::permanent(e.to_string()))?;
        let documents = Arc::new(documents);
        documents.dropped.iter().for_each(|(reason, items)| self.sender.counts.dropped(reason, *items));
        batch.prepared().keep_own(&self.owner, documents.clone());
        Ok(documents)
    }
}

fn is_all(left: &[Arc<documents::Bulk>], documents: &Documents) -> bool {
    let count = |bulks: &[Arc<documents::Bulk>]| bulks.iter().map(|bulk| bulk.documents.len()).sum::<usize>();
    count(left) == count(&documents.bulks) && documents.dropped.is_empty()
}
