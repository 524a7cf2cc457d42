//! The items of a request with what a key can be found on.

use pipeline::Request;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::{LogsRequest, MetricsRequest, TracesRequest};
use prost::Message;

/// One record, span or data point, with its surroundings.
pub struct Item<'a> {
    /// Record, scope and resource attributes: the order of look-up.
    levels: [&'a [KeyValue]; 3],
    event_name: &'a str,
    /// Its encoded length.
    pub bytes: usize,
}

impl Item<'_> {
    /// The value of an attribute as text.
    pub fn lookup(&self, name: &str) -> Option<String> {
        if name == "event.name" && !self.event_name.is_empty() {
            return Some(self.event_name.to_owned());
        }
        let found = self.levels.iter().find_map(|level| level.iter().find(|attribute| attribute.key == name))?;
        found.value.as_ref().map(as_text)
    }
}

fn as_text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    }
}

/// A request whose items can be looked at and dropped one by one.
pub trait Items: Request {
    /// Shows every item.
    fn visit(&self, look: &mut dyn FnMut(&Item<'_>));
    /// Keeps the items that `keep` says yes to, and no empty envelopes.
    fn retain(&mut self, keep: &mut dyn FnMut(&Item<'_>) -> bool);
}

fn attributes(resource: Option<&pipeline::proto::resource::v1::Resource>) -> &[KeyValue] {
    resource.map_or(&[], |resource| &resource.attributes)
}

macro_rules! two_levels {
    ($request:ident, $resources:ident, $scopes:ident, $items:ident, |$item:ident| $event_name:expr) => {
        impl Items for $request {
            fn visit(&self, look: &mut dyn FnMut(&Item<'_>)) {
                for outer in &self.$resources {
                    for inner in &outer.$scopes {
                        let scope = inner.scope.as_ref().map_or(&[][..], |scope| &scope.attributes);
                        for $item in &inner.$items {
                            let levels = [&$item.attributes[..], scope, attributes(outer.resource.as_ref())];
                            look(&Item { levels, event_name: $event_name, bytes: $item.encoded_len() });
                        }
                    }
                }
            }

            fn retain(&mut self, keep: &mut dyn FnMut(&Item<'_>) -> bool) {
                for outer in &mut self.$resources {
                    let resource = attributes(outer.resource.as_ref());
                    for inner in &mut outer.$scopes {
                        let scope = inner.scope.as_ref().map_or(&[][..], |scope| &scope.attributes);
                        inner.$items.retain(|$item| {
                            let levels = [&$item.attributes[..], scope, resource];
                            keep(&Item { levels, event_name: $event_name, bytes: $item.encoded_len() })
                        });
                    }
                    outer.$scopes.retain(|inner| !inner.$items.is_empty());
                }
                self.$resources.retain(|outer| !outer.$scopes.is_empty());
            }
        }
    };
}

two_levels!(LogsRequest, resource_logs, scope_logs, log_records, |item| &item.event_name);
two_levels!(TracesRequest, resource_spans, scope_spans, spans, |item| "");

/// Runs `$body` with the data points of a metric, whatever its kind.
macro_rules! with_points {
    ($data:expr, |$points:ident| $body:expr) => {
        match $data {
            Some(Data::Gauge(data)) => {
                let $points = &mut data.data_points;
                $body
            }
            Some(Data::Sum(data)) => {
                let $points = &mut data.data_points;
                $body
            }
            Some(Data::Histogram(data)) => {
                let $points = &mut data.data_points;
                $body
            }
            Some(Data::ExponentialHistogram(data)) => {
                let $points = &mut data.data_points;
                $body
            }
            Some(Data::Summary(data)) => {
                let $points = &mut data.data_points;
                $body
            }
            None => {}
        }
    };
}

impl Items for MetricsRequest {
    fn visit(&self, look: &mut dyn FnMut(&Item<'_>)) {
        // Points of five types: retaining all of a copy shows each, and only `error` limits come this way.
        self.clone().retain(&mut |item| {
            look(item);
            true
        });
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&Item<'_>) -> bool) {
        for outer in &mut self.resource_metrics {
            let resource = attributes(outer.resource.as_ref());
            for inner in &mut outer.scope_metrics {
                let scope = inner.scope.as_ref().map_or(&[][..], |scope| &scope.attributes);
                inner.metrics.retain_mut(|metric| {
                    let mut left = false;
                    with_points!(&mut metric.data, |points| {
                        points.retain(|point| {
                            let levels = [&point.attributes[..], scope, resource];
                            keep(&Item { levels, event_name: "", bytes: point.encoded_len() })
                        });
                        left = !points.is_empty();
                    });
                    left
                });
            }
            outer.scope_metrics.retain(|inner| !inner.metrics.is_empty());
        }
        self.resource_metrics.retain(|outer| !outer.scope_metrics.is_empty());
    }
}
