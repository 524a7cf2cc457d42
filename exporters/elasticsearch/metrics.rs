//! Data points as documents: those of one resource, scope, time and set of attributes share one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

use pipeline::Signal;
use pipeline::proto::MetricsRequest;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::metrics::v1::Metric;
use twox_hash::XxHash64;

use super::documents::{Action, Builder};
use super::encoder::Encoder;
use super::json::Json;
use super::otel::{self, Maps};
use super::points::{self, Point};
use super::route::Index;
use super::settings::Mode;

/// Adds documents for all data points.
pub fn add(encoder: &Encoder, request: &MetricsRequest, to: &mut Builder) {
    let mut deltas = encoder.deltas.lock().unwrap_or_else(PoisonError::into_inner);
    let mut groups = Groups::default();
    let mut item = 0;
    for resource_metrics in &request.resource_metrics {
        let resource = resource_metrics.resource.clone().unwrap_or_default();
        for scope_metrics in &resource_metrics.scope_metrics {
            let scope = scope_metrics.scope.clone().unwrap_or_default();
            let router = encoder.router(Signal::Metrics, Mode::Otel);
            let router = router.within(&resource.attributes, &scope.attributes, &scope.name);
            let schemas = (resource_metrics.schema_url.as_str(), scope_metrics.schema_url.as_str());
            let around: Arc<[u8]> = otel::surroundings((&resource, schemas.0), (&scope, schemas.1), Maps::Text).into();
            for metric in &scope_metrics.metrics {
                let series = |attributes: &[KeyValue]| series(&around, metric, attributes);
                points::each(metric, &mut deltas, &series, &mut |point| {
                    match point {
                        Ok(point) => groups.put(router.index(point.attributes), &around, metric, point, item, to),
                        Err(reason) => to.drop(reason, 1),
                    }
                    item += 1;
                });
            }
        }
    }
    groups.by_key.into_iter().for_each(|(key, group)| group.add(&key, to));
}

/// What a series is known by.
fn series(around: &[u8], metric: &Metric, attributes: &[KeyValue]) -> Vec<u8> {
    [metric.name.as_bytes(), metric.unit.as_bytes(), &in_order(attributes), around].join(&0)
}

/// What the points of one document share.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    index: Arc<Index>,
    around: Arc<[u8]>,
    unit: String,
    unix_nano: u64,
    start_unix_nano: u64,
    attributes: Vec<u8>,
}

#[derive(Default)]
struct Groups {
    by_key: HashMap<Key, Group>,
}

#[derive(Default)]
struct Group {
    /// Values as JSON by the metric's name, in the names' order.
    values: BTreeMap<String, Json>,
    templates: Vec<(String, &'static str)>,
    items: Vec<u32>,
    document_count: u64,
}

impl Groups {
    fn put(
        &mut self,
        index: Arc<Index>,
        around: &Arc<[u8]>,
        metric: &Metric,
        point: Point<'_>,
        item: u32,
        to: &mut Builder,
    ) {
        let key = Key {
            index,
            around: around.clone(),
            unit: metric.unit.clone(),
            unix_nano: point.unix_nano,
            start_unix_nano: point.start_unix_nano,
            attributes: in_order(point.attributes),
        };
        let group = self.by_key.entry(key).or_default();
        if group.values.contains_key(&metric.name) {
            return to.drop("same metric, time and attributes", 1);
        }
        group.templates.push((format!("metrics.{}", metric.name), point.template));
        group.values.insert(metric.name.clone(), point.value);
        group.items.push(item);
        group.document_count = point.document_count.unwrap_or(group.document_count);
    }
}

/// The member `attributes` with its keys in order: the same for all orders that a sender may have.
fn in_order(attributes: &[KeyValue]) -> Vec<u8> {
    let mut sorted = attributes.to_vec();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut json = Json::default();
    otel::attributes(&mut json, &sorted, Maps::Text);
    json.into_bytes()
}

impl Group {
    fn add(self, key: &Key, to: &mut Builder) {
        let action = Action { templates: &self.templates, ..Action::default() };
        to.add(&key.index, &action, &self.items, |json| {
            json.time_member("@timestamp", key.unix_nano);
            if key.start_unix_nano != 0 {
                json.time_member("start_timestamp", key.start_unix_nano);
            }
            json.text_member("unit", &key.unit);
            otel::data_stream(json, &key.index);
            json.fragment(&key.attributes);
            json.fragment(&key.around);
            json.key("metrics");
            json.object(|json| self.write_values(json));
            if self.document_count != 0 {
                json.key("_doc_count");
                json.plain(self.document_count);
            }
            // Keeps documents apart that have all but their metrics in common: time series must not be written twice.
            json.key("_metric_names_hash");
            json.string(&format!("{:x}", self.names_hash()));
        });
    }

    fn write_values(&self, json: &mut Json) {
        for (name, value) in &self.values {
            json.key(name);
            json.fragment(value.bytes());
        }
    }

    fn names_hash(&self) -> u64 {
        let names: String = self.values.keys().map(String::as_str).collect();
        XxHash64::oneshot(0, names.as_bytes())
    }
}
