//! What documents of all signals have in common in otel mode.

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{InstrumentationScope, KeyValue};
use pipeline::proto::resource::v1::Resource;

use super::json::Json;
use super::route::{self, Index};

const LATITUDE: &str = "geo.location.lat";
const LONGITUDE: &str = "geo.location.lon";

/// Whether maps in attributes are written as text: metrics' templates take attributes as keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maps {
    Nested,
    Text,
}

/// The members `resource` and `scope`, written once for all documents below them.
pub fn surroundings(resource: (&Resource, &str), scope: (&InstrumentationScope, &str), maps: Maps) -> Vec<u8> {
    let mut json = Json::default();
    json.key("resource");
    json.object(|json| {
        json.text_member("schema_url", resource.1);
        attributes(json, &resource.0.attributes, maps);
        json.count_member("dropped_attributes_count", resource.0.dropped_attributes_count);
    });
    json.key("scope");
    json.object(|json| {
        json.text_member("schema_url", scope.1);
        json.text_member("name", &scope.0.name);
        json.text_member("version", &scope.0.version);
        attributes(json, &scope.0.attributes, maps);
        json.count_member("dropped_attributes_count", scope.0.dropped_attributes_count);
    });
    json.into_bytes()
}

/// `data_stream`, if the index is one.
pub fn data_stream(json: &mut Json, index: &Index) {
    let Some(stream) = &index.stream else { return };
    json.key("data_stream");
    json.object(|json| {
        json.text_member("type", stream.kind);
        json.text_member("dataset", &stream.dataset);
        json.text_member("namespace", &stream.namespace);
    });
}

/// `attributes`, without those that direct the exporter; latitude and longitude become one point.
pub fn attributes(json: &mut Json, attributes: &[KeyValue], maps: Maps) {
    if attributes.is_empty() {
        return;
    }
    json.key("attributes");
    json.object(|json| members(json, attributes, maps));
}

fn members(json: &mut Json, attributes: &[KeyValue], maps: Maps) {
    for (at, attribute) in attributes.iter().enumerate() {
        let key = attribute.key.as_str();
        let comes_again = attributes[..at].iter().any(|earlier| earlier.key == key);
        if comes_again || route::CONTROL.contains(&key) {
            continue;
        }
        if let Some((longitude, latitude)) = point(attributes, key) {
            // Written where the longitude stands, as the format that Elasticsearch reads points in.
            if let Some(prefix) = key.strip_suffix(LONGITUDE) {
                json.key(&format!("{prefix}geo.location"));
                json.array(|json| [longitude, latitude].into_iter().for_each(|degrees| json.double(degrees)));
            }
            continue;
        }
        json.key(key);
        json.value(attribute.value.as_ref().and_then(|any| any.value.as_ref()), maps == Maps::Text);
    }
}

/// Longitude and latitude, if `key` is one of them and the other is there too.
fn point(attributes: &[KeyValue], key: &str) -> Option<(f64, f64)> {
    let prefix = key.strip_suffix(LONGITUDE).or_else(|| key.strip_suffix(LATITUDE))?;
    if !prefix.is_empty() && !prefix.ends_with('.') {
        return None;
    }
    let degrees = |name: &str| {
        let wanted = |attribute: &&KeyValue| attribute.key.strip_suffix(name).is_some_and(|before| before == prefix);
        match attributes.iter().find(wanted)?.value.as_ref()?.value.as_ref()? {
            Value::DoubleValue(degrees) => Some(*degrees),
            _ => None,
        }
    };
    Some((degrees(LONGITUDE)?, degrees(LATITUDE)?))
}
