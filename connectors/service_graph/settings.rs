//! What is written in the configuration.

use std::time::Duration;

use config::{Decoder, Rules};

config::settings! {
    /// Which edges there are, and what is made of them.
    pub struct Config {
        /// An older way to name what stands behind: read, and not used.
        pub metrics_exporter: String = String::new(),
        /// Upper bounds of the histograms' buckets; the usual ones, from 2 ms to 15 s, if left out.
        pub latency_histogram_buckets: Option<Vec<Duration>> = None,
        /// How many buckets exponential histograms have at most, instead; 0 has none of these.
        pub exponential_histogram_max_size: u32 = 0,
        /// Attributes of resources and spans that become attributes of edges: client_NAME and server_NAME.
        pub dimensions: Vec<String> = Vec::new(),
        /// Edges that wait for their other side.
        pub store: Store = Store::default(),
        /// How often it is looked for series to forget; 0 is every minute.
        pub cache_loop: Duration = Duration::from_secs(60),
        /// How often it is looked for edges that waited too long; 0 is every 2 seconds.
        pub store_expiration_loop: Duration = Duration::from_secs(2),
        /// Attributes that name the other side where it is not traced, the first that a span has; none: no virtual nodes.
        pub virtual_node_peer_attributes: Vec<String> = vec!["peer.service".into(), "db.name".into(), "db.system".into()],
        /// Whether an attribute says which side is a virtual node.
        pub virtual_node_extra_label: bool = false,
        /// How often metrics are handed over; 0 is with each batch.
        pub metrics_flush_interval: Duration = Duration::from_secs(60),
        /// By how much the times of metrics lie in the past.
        pub metrics_timestamp_offset: Duration = Duration::ZERO,
        /// An older form of database_name_attributes with one name.
        pub database_name_attribute: String = String::new(),
        /// Attributes that name a database, the first that a span has; db.name if left empty.
        pub database_name_attributes: Vec<String> = Vec::new(),
    }
}

config::settings! {
    /// Edges that wait for their other side.
    pub struct Store {
        /// How many there are at most.
        pub max_items: u32 = 1000,
        /// How long they wait.
        pub ttl: Duration = Duration::from_secs(2),
    }
}

impl Rules for Store {
    fn rules(&self, decoder: &mut Decoder) {
        if self.max_items == 0 {
            decoder.at("max_items", |d| d.error("must be greater than 0"));
        }
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.latency_histogram_buckets.is_some() && self.exponential_histogram_max_size > 0 {
            decoder.at("exponential_histogram_max_size", |d| {
                d.error("cannot be used together with latency_histogram_buckets");
            });
        }
    }
}

impl Config {
    /// How often it is looked for edges that waited too long.
    pub fn expiry(&self) -> Duration {
        if self.store_expiration_loop.is_zero() { Duration::from_secs(2) } else { self.store_expiration_loop }
    }

    /// How often it is looked for series to forget.
    pub fn cleaning(&self) -> Duration {
        if self.cache_loop.is_zero() { Duration::from_secs(60) } else { self.cache_loop }
    }

    /// The attributes that name a database.
    pub fn database_names(&self) -> Vec<String> {
        match (self.database_name_attributes.is_empty(), self.database_name_attribute.is_empty()) {
            (false, _) => self.database_name_attributes.clone(),
            (true, false) => vec![self.database_name_attribute.clone()],
            (true, true) => vec!["db.name".to_owned()],
        }
    }
}
