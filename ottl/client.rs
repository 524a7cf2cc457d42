//! Who sent what is looked at, for the paths of `otelcol`.

use std::sync::Arc;

use config::gates::OTELCOL_PATHS;
use pipeline::Origin;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, ArrayValue, KeyValue};

use super::fields::{Access, Field};
use super::value::{Val, find_or_insert};

/// What stands in front of these paths.
pub const NAME: &str = "otelcol";

/// The sender of a batch.
#[derive(Debug)]
pub struct Client {
    address: Option<String>,
    /// A list of texts for each name.
    metadata: Vec<KeyValue>,
    /// What an extension has found out about it.
    identity: Vec<KeyValue>,
}

impl Client {
    /// Whether one of these texts asks for the sender: most do not, and then nothing is made ready.
    pub fn is_in<'t>(texts: impl IntoIterator<Item = &'t String>) -> bool {
        texts.into_iter().any(|text| text.contains(NAME))
    }

    /// The sender of a batch from there.
    pub fn of(origin: &Origin) -> Arc<Self> {
        let mut metadata = Vec::new();
        for (name, text) in &origin.metadata {
            let place = find_or_insert(&mut metadata, name);
            let list = place.value.get_or_insert_with(|| Value::ArrayValue(ArrayValue::default()));
            if let Value::ArrayValue(list) = list {
                list.values.push(AnyValue { value: Some(Value::StringValue(text.clone())) });
            }
        }
        let mut identity = Vec::new();
        for (name, text) in &origin.identity {
            find_or_insert(&mut identity, name).value = Some(Value::StringValue(text.clone()));
        }
        Arc::new(Self { address: origin.peer.map(|peer| peer.to_string()), metadata, identity })
    }
}

/// What can be read; nothing can be set.
static FIELDS: &[Field] = &[
    Field {
        name: "client.addr",
        access: Access::Whole {
            get: |t| {
                let address = t.client.as_ref().and_then(|client| client.address.as_deref());
                address.map_or(Val::Nil, Val::text)
            },
            set: |_, _| Err("who sent it cannot be changed".into()),
        },
    },
    Field {
        name: "client.metadata",
        access: Access::Map { get: |t| t.client.as_ref().map(|client| &client.metadata), get_mut: |_| None },
    },
    Field {
        name: "client.auth.attributes",
        access: Access::Map { get: |t| t.client.as_ref().map(|client| &client.identity), get_mut: |_| None },
    },
];

/// The field of a path, without its first segment.
///
/// # Errors
/// There is none.
pub fn field(path: &str) -> Result<&'static Field, String> {
    if !OTELCOL_PATHS.is_on() {
        return Err(format!("paths of {NAME} are turned off by the feature gate {}", OTELCOL_PATHS.id));
    }
    FIELDS.iter().find(|field| field.name == path).ok_or_else(|| match path.split('.').next() {
        Some("grpc") => {
            "otelcol.grpc is not kept; otelcol.client.metadata has the headers if the receiver has include_metadata"
                .to_owned()
        }
        _ => format!("unknown path {path:?} in otelcol; known: client.addr, client.metadata, client.auth.attributes"),
    })
}

/// Whether the first key of a field is told apart without its case, as names of headers are.
pub fn is_caseless(field: &Field) -> bool {
    has(field) && field.name == "client.metadata"
}

/// Whether a field is one of these.
pub fn has(field: &Field) -> bool {
    FIELDS.iter().any(|known| std::ptr::eq(known, field))
}
