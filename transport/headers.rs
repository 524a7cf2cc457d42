//! Headers that go with every request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use config::{Decode, Decoder, Fields, Node, Opaque, Secrets, Value};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// Headers with secret values, written as a map or as a list of `name` and `value`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers(Vec<(String, Opaque)>);

impl Headers {
    /// The headers of these names and values.
    pub fn new(headers: impl IntoIterator<Item = (String, Opaque)>) -> Self {
        Self(headers.into_iter().collect())
    }

    /// In the form that requests take. Those that broke a rule are left out.
    pub fn to_map(&self) -> HeaderMap {
        self.0.iter().filter_map(|(name, value)| parse(name, value).ok()).collect()
    }

    /// The same for gRPC, where the values of names that end in `-bin` are sent as base64.
    pub fn to_metadata(&self) -> HeaderMap {
        let mut headers = self.to_map();
        for (_, value) in headers.iter_mut().filter(|(name, _)| name.as_str().ends_with("-bin")) {
            if let Ok(mut encoded) = HeaderValue::try_from(STANDARD_NO_PAD.encode(value.as_bytes())) {
                encoded.set_sensitive(true);
                *value = encoded;
            }
        }
        headers
    }

    fn item(node: &Node, decoder: &mut Decoder) -> Option<(String, Opaque)> {
        let fields: Fields<'_> = decoder.fields(node, &["name", "value"])?;
        let name = fields.take("name", String::new(), decoder);
        Some((name, fields.take("value", Opaque::default(), decoder)))
    }
}

impl Decode for Headers {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        match &node.value {
            Value::Map(map) => {
                let value = |name: &str, value: &Node, decoder: &mut Decoder| {
                    decoder.at(name, |d| d.value(value, Opaque::default()))
                };
                let mut headers: Vec<_> =
                    map.iter().map(|(name, node)| (name.clone(), value(name, node, decoder))).collect();
                // A map has no order; shown in that of their names, as in the Collector.
                headers.sort_by(|one, other| one.0.cmp(&other.0));
                Self(headers)
            }
            Value::List(items) => {
                let items = items.iter().enumerate();
                Self(items.filter_map(|(i, item)| decoder.at(i.to_string(), |d| Self::item(item, d))).collect())
            }
            _ => {
                decoder.mismatch("a map of headers", node);
                default
            }
        }
    }

    fn validate(&self, decoder: &mut Decoder) {
        for (name, value) in &self.0 {
            if let Err(message) = parse(name, value) {
                decoder.at(name, |d| d.error(message));
            }
        }
    }

    fn encode(&self, secrets: Secrets) -> Node {
        let pair = |(name, value): &(String, Opaque)| {
            Node::map([("name", Node::text(name)), ("value", value.encode(secrets))])
        };
        Node::of(Value::List(self.0.iter().map(pair).collect()))
    }
}

fn parse(name: &str, value: &Opaque) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::try_from(name).map_err(|_| format!("{name:?} cannot be the name of a header"))?;
    let value = HeaderValue::try_from(value.reveal());
    let mut value = value.map_err(|_| "holds characters that a header cannot carry".to_owned())?;
    value.set_sensitive(true);
    Ok((parsed, value))
}
