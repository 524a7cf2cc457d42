//! A request between two services.

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::{Attributes, SetKey};
use tokio::time::Instant;

/// How two services are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// One calls the other.
    #[default]
    Direct,
    /// By messages.
    Messaging,
    /// One of them is a database.
    Database,
    /// One of them is not traced.
    Virtual,
}

impl Connection {
    fn name(self) -> &'static str {
        match self {
            Self::Direct => "",
            Self::Messaging => "messaging_system",
            Self::Database => "database",
            Self::Virtual => "virtual_node",
        }
    }
}

/// The side of an edge that is not traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who calls.
    Client,
    /// Who is called.
    Server,
}

impl Side {
    /// Its name in attributes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// What is known of a request so far.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Who calls; empty while that is not known.
    pub client: String,
    /// Who is called; empty while that is not known.
    pub server: String,
    /// How long it took for the client, in seconds.
    pub client_length: f64,
    /// How long it took for the server, in seconds.
    pub server_length: f64,
    /// How they are connected.
    pub connection: Connection,
    /// Whether a span of it tells of an error.
    pub failed: bool,
    /// Whether the request came from outside: the server's span has no parent.
    pub from_outside: bool,
    /// Further attributes.
    pub dimensions: Vec<KeyValue>,
    /// What the client calls the other side, where that is not traced.
    pub peer: Option<String>,
    /// The side that is not traced.
    pub virtual_side: Option<Side>,
    /// When it no longer waits.
    pub until: Instant,
}

impl Edge {
    /// One of which nothing is known.
    pub fn new(from_outside: bool, until: Instant) -> Self {
        Self {
            client: String::new(),
            server: String::new(),
            client_length: 0.0,
            server_length: 0.0,
            connection: Connection::default(),
            failed: false,
            from_outside,
            dimensions: Vec::new(),
            peer: None,
            virtual_side: None,
            until,
        }
    }

    /// Whether both sides are known.
    pub fn is_complete(&self) -> bool {
        !self.client.is_empty() && !self.server.is_empty()
    }

    /// The attributes of the series that it belongs to.
    pub fn attributes(&self, with_virtual_side: bool) -> Vec<KeyValue> {
        let mut attributes = Vec::new();
        let text = |text: &str| AnyValue { value: Some(Value::StringValue(text.to_owned())) };
        attributes.put("client", text(&self.client));
        attributes.put("server", text(&self.server));
        attributes.put("connection_type", text(self.connection.name()));
        attributes.put("failed", AnyValue { value: Some(Value::BoolValue(self.failed)) });
        for dimension in &self.dimensions {
            attributes.put(&dimension.key, dimension.value.clone().unwrap_or_default());
        }
        if with_virtual_side {
            attributes.put("virtual_node", text(self.virtual_side.map_or("", Side::name)));
        }
        attributes
    }

    /// The key of these attributes.
    pub fn key(attributes: &[KeyValue]) -> Vec<u8> {
        SetKey::of(attributes).into_bytes()
    }
}
