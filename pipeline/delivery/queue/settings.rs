//! `sending_queue`, with the Collector's keys, defaults and rules.

use std::time::Duration;

use config::{ComponentId, Decode, Decoder, Fields, Node, Rules, Secrets, Section, Value};

config::words! {
    /// In what sizes are counted.
    pub enum Sizer: "sizer" {
        /// Batches as they come.
        Requests = "requests",
        /// Spans, data points, records or samples.
        Items = "items",
        /// Bytes of the OTLP wire form.
        Bytes = "bytes",
    }
}

config::settings! {
    /// What is held while the exporter is busy.
    pub struct QueueSettings {
        /// Batches that are sent at the same time.
        pub num_consumers: u32 = 10,
        /// How much is held, what is being sent included; counted by sizer.
        pub queue_size: u64 = 1000,
        /// In what queue_size is counted: requests, items or bytes.
        pub sizer: Sizer = Sizer::Requests,
        /// Whether a batch waits for room when the queue is full, instead of being refused.
        pub block_on_overflow: bool = false,
        /// Whether the sender is answered when its batch was exported, instead of when it was taken.
        pub wait_for_result: bool = false,
        /// The extension that keeps the queue on disk, so that a crash loses nothing; without it the queue is in memory.
        pub storage: StorageId = StorageId::default(),
        /// Joins what waits into larger requests and cuts too large ones.
        pub batch: Section<BatchSettings> = Section::on_when_named(),
    }
}

impl Rules for QueueSettings {
    fn rules(&self, decoder: &mut Decoder) {
        for (key, value) in [("num_consumers", self.num_consumers.into()), ("queue_size", self.queue_size)] {
            if value == 0 {
                decoder.at(key, |d| d.error("must be greater than zero"));
            }
        }
        if self.storage.get().is_some() && self.wait_for_result {
            decoder.at("wait_for_result", |d| d.error("cannot be used together with storage"));
        }
        if let Some(batch) = self.batch.get()
            && batch.sizer == self.sizer
            && batch.min_size > self.queue_size
        {
            let message = "must not be above queue_size: the queue could never hold one batch";
            decoder.at("batch", |d| d.at("min_size", |d| d.error(message)));
        }
    }

    /// A batch section that does not say in what it counts takes the queue's sizer, if that was written.
    fn complete(&mut self, written: &Fields<'_>) {
        let (Some(_), Some(batch)) = (written.written("sizer"), written.written("batch")) else { return };
        if let Section::On(settings) = &mut self.batch
            && !batch.is_null()
            && batch.get("sizer").is_none()
        {
            settings.sizer = self.sizer;
        }
    }
}

config::settings! {
    /// How what waits is joined and cut.
    pub struct BatchSettings {
        /// How long the first part of a batch waits for others.
        pub flush_timeout: Duration = Duration::from_millis(200),
        /// A batch of this size is sent at once.
        pub min_size: u64 = 8192,
        /// No batch is larger; 0 is no limit. Profiles are never cut by bytes.
        pub max_size: u64 = 0,
        /// In what min_size and max_size are counted: items or bytes. When left out, as the queue, if that says it.
        pub sizer: Sizer = Sizer::Items,
        /// What must not be mixed.
        pub partition: PartitionSettings = PartitionSettings::default(),
    }
}

impl Rules for BatchSettings {
    fn rules(&self, decoder: &mut Decoder) {
        if self.sizer == Sizer::Requests {
            decoder.at("sizer", |d| d.error("must be items or bytes"));
        }
        if self.flush_timeout.is_zero() {
            decoder.at("flush_timeout", |d| d.error("must be greater than zero"));
        }
        if self.max_size > 0 && self.max_size < self.min_size {
            decoder.at("max_size", |d| d.error("must not be below min_size"));
        }
    }
}

config::settings! {
    /// What must not be mixed in one batch.
    pub struct PartitionSettings {
        /// Client metadata; each combination of values has batches of its own.
        pub metadata_keys: Vec<String> = Vec::new(),
    }
}

impl Rules for PartitionSettings {
    fn rules(&self, decoder: &mut Decoder) {
        for (index, key) in self.metadata_keys.iter().enumerate() {
            if self.metadata_keys[..index].iter().any(|other| other.eq_ignore_ascii_case(key)) {
                decoder.at("metadata_keys", |d| d.error(format!("duplicate entry {key:?} (case-insensitive)")));
            }
        }
    }
}

/// The id of a storage extension, if one is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StorageId(Option<ComponentId>);

impl StorageId {
    /// The id.
    pub fn get(&self) -> Option<&ComponentId> {
        self.0.as_ref()
    }
}

impl Decode for StorageId {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let text = String::decode(node, String::new(), decoder);
        match text.parse() {
            Ok(id) => Self(Some(id)),
            Err(message) => {
                decoder.error(message);
                default
            }
        }
    }

    fn encode(&self, secrets: Secrets) -> Node {
        self.0.as_ref().map_or(Node::of(Value::Null), |id| id.encode(secrets))
    }
}
