//! Into which index a document goes.

use std::sync::Arc;

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::common::v1::any_value::Value;

use super::date;
use super::settings::LogstashFormat;

/// Attributes that direct the exporter. None of them is written.
pub const CONTROL: &[&str] = &["data_stream.type", DATASET, NAMESPACE, INDEX, MODE, DOCUMENT_ID, PIPELINE, HINTS];
const DATASET: &str = "data_stream.dataset";
const NAMESPACE: &str = "data_stream.namespace";
const INDEX: &str = "elasticsearch.index";
/// Chooses the mapping mode of a scope.
pub const MODE: &str = "elastic.mapping.mode";
/// The id of a document, with `logs_dynamic_id` or `traces_dynamic_id`.
pub const DOCUMENT_ID: &str = "elasticsearch.document_id";
/// The ingest pipeline of a document, with `logs_dynamic_pipeline`.
pub const PIPELINE: &str = "elasticsearch.document_pipeline";
/// How a data point wants to be mapped.
pub const HINTS: &str = "elasticsearch.mapping.hints";

/// No part of a data stream's name may be longer.
const PART_BYTES: usize = 100;

/// Where documents go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Index {
    /// The index, alias or data stream.
    pub name: String,
    /// Its parts, if it is a data stream by the naming scheme.
    pub stream: Option<Stream>,
}

/// `type-dataset-namespace`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// logs, metrics, traces or profiles.
    pub kind: &'static str,
    /// What kind of data, with `.otel` at its end in otel mode.
    pub dataset: String,
    /// A division of the user's choice.
    pub namespace: String,
}

/// Chooses indices for one kind of document.
#[derive(Clone, Debug)]
pub struct Router {
    /// The first part of data streams' names.
    pub kind: &'static str,
    /// Set by the user: attributes do not matter then.
    pub fixed: String,
    /// What is put behind datasets.
    pub suffix: &'static str,
    /// Whether and how the date is put behind the index.
    pub logstash: Option<LogstashFormat>,
}

/// Chooses indices within one scope.
#[derive(Debug)]
pub struct ScopeRouter<'a> {
    router: &'a Router,
    outer: [&'a [KeyValue]; 2],
    receiver: Option<&'a str>,
    common: Arc<Index>,
}

impl Router {
    /// A router for items below this resource and scope.
    pub fn within<'a>(&'a self, resource: &'a [KeyValue], scope: &'a [KeyValue], name: &'a str) -> ScopeRouter<'a> {
        let outer = [scope, resource];
        let receiver = receiver(name);
        let common = Arc::new(self.index(&[scope, resource], receiver));
        ScopeRouter { router: self, outer, receiver, common }
    }

    fn index(&self, attributes: &[&[KeyValue]], receiver: Option<&str>) -> Index {
        let index = self.plain_index(attributes, receiver);
        match &self.logstash {
            Some(format) => Index { name: date::append(&index.name, format), stream: None },
            None => index,
        }
    }

    fn plain_index(&self, attributes: &[&[KeyValue]], receiver: Option<&str>) -> Index {
        if !self.fixed.is_empty() {
            return Index { name: self.fixed.clone(), stream: None };
        }
        let find = |key| attributes.iter().find_map(|map| text(map, key));
        if let Some(name) = find(INDEX) {
            return Index { name: name.to_owned(), stream: None };
        }
        let dataset = find(DATASET).or(receiver).unwrap_or("generic");
        let dataset = part(dataset, "-", self.suffix);
        let namespace = part(find(NAMESPACE).unwrap_or("default"), "", "");
        let name = format!("{}-{dataset}-{namespace}", self.kind);
        Index { name, stream: Some(Stream { kind: self.kind, dataset, namespace }) }
    }
}

impl ScopeRouter<'_> {
    /// The index for an item with these attributes.
    pub fn index(&self, attributes: &[KeyValue]) -> Arc<Index> {
        let directs = |attribute: &KeyValue| matches!(attribute.key.as_str(), DATASET | NAMESPACE | INDEX);
        if !attributes.iter().any(directs) {
            return self.common.clone();
        }
        let [scope, resource] = self.outer;
        Arc::new(self.router.index(&[attributes, scope, resource], self.receiver))
    }
}

/// The text of an attribute, if it has one.
pub fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// `hostmetricsreceiver` out of the scope names that the Collector's receivers give themselves.
fn receiver(scope: &str) -> Option<&str> {
    let (_, behind) = scope.split_once("/receiver/")?;
    let name = behind.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    Some(name).filter(|name| name.ends_with("receiver"))
}

/// A part of a data stream's name as Elasticsearch allows it.
fn part(text: &str, also_forbidden: &str, suffix: &str) -> String {
    let clean = |c: char| if "\\/*?\"<>| ,#:".contains(c) || also_forbidden.contains(c) { '_' } else { c };
    let mut part: String = text.chars().map(clean).flat_map(char::to_lowercase).collect();
    let mut end = part.len().min(PART_BYTES - suffix.len());
    while !part.is_char_boundary(end) {
        end -= 1;
    }
    part.truncate(end);
    part + suffix
}
