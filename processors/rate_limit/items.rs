//! The items of a request with what a key can be found on.

use pipeline::Request;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::resource::v1::Resource;
use pipeline::proto::{LogsRequest, MetricsRequest, TracesRequest};
use prost::Message;

/// One record, span, data point or profile sample, with its surroundings.
pub struct Item<'a> {
    /// Its own attributes first, the resource's last: the order of look-up.
    pub levels: &'a [&'a [KeyValue]],
    pub event_name: &'a str,
    /// Of spans: what keeps a trace together when it is sampled.
    pub trace_id: &'a [u8],
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

pub(super) fn of_resource(resource: Option<&Resource>) -> &[KeyValue] {
    resource.map_or(&[], |resource| &resource.attributes)
}

pub(super) fn of_scope(scope: Option<&InstrumentationScope>) -> &[KeyValue] {
    scope.map_or(&[], |scope| &scope.attributes)
}

macro_rules! two_levels {
    ($request:ident, $resources:ident, $scopes:ident, $items:ident, |$item:ident| $event_name:expr, $trace_id:expr) => {
        impl Items for $request {
            fn visit(&self, look: &mut dyn FnMut(&Item<'_>)) {
                for outer in &self.$resources {
                    for inner in &outer.$scopes {
                        for $item in &inner.$items {
                            let resource = of_resource(outer.resource.as_ref());
                            let levels = &[&$item.attributes[..], of_scope(inner.scope.as_ref()), resource];
                            let (event_name, trace_id, bytes) = ($event_name, $trace_id, $item.encoded_len());
                            look(&Item { levels, event_name, trace_id, bytes });
                        }
                    }
                }
            }

            fn retain(&mut self, keep: &mut dyn FnMut(&Item<'_>) -> bool) {
                for outer in &mut self.$resources {
                    let resource = of_resource(outer.resource.as_ref());
                    for inner in &mut outer.$scopes {
                        let scope = of_scope(inner.scope.as_ref());
                        inner.$items.retain(|$item| {
                            let levels = &[&$item.attributes[..], scope, resource];
                            let (event_name, trace_id, bytes) = ($event_name, $trace_id, $item.encoded_len());
                            keep(&Item { levels, event_name, trace_id, bytes })
                        });
                    }
                    outer.$scopes.retain(|inner| !inner.$items.is_empty());
                }
                self.$resources.retain(|outer| !outer.$scopes.is_empty());
            }
        }
    };
}

two_levels!(LogsRequest, resource_logs, scope_logs, log_records, |item| &item.event_name, &[]);
two_levels!(TracesRequest, resource_spans, scope_spans, spans, |item| "", &item.trace_id);

/// Runs `$body` with the data points of a metric, whatever its kind.
macro_rules! with_points {
    ($data:expr, |$points:ident| $body:expr) => {
        match $data {
            Some(Data::Gauge(data)) => {
                let $points = data;
                $body
            }
            Some(Data::Sum(data)) => {
                let $points = data;
                $body
            }
            Some(Data::Histogram(data)) => {
                let $points = data;
                $body
            }
            Some(Data::ExponentialHistogram(data)) => {
                let $points = data;
                $body
            }
            Some(Data::Summary(data)) => {
                let $points = data;
                $body
            }
            None => {}
        }
    };
}

impl Items for MetricsRequest {
    fn visit(&self, look: &mut dyn FnMut(&Item<'_>)) {
        for outer in &self.resource_metrics {
            for inner in &outer.scope_metrics {
                let (scope, resource) = (of_scope(inner.scope.as_ref()), of_resource(outer.resource.as_ref()));
                for metric in &inner.metrics {
                    with_points!(&metric.data, |of_kind| {
                        for point in &of_kind.data_points {
                            let levels = &[&point.attributes[..], scope, resource];
                            look(&Item { levels, event_name: "", trace_id: &[], bytes: point.encoded_len() });
                        }
                    });
                }
            }
        }
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&Item<'_>) -> bool) {
        for outer in &mut self.resource_metrics {
            let resource = of_resource(outer.resource.as_ref());
            for inner in &mut outer.scope_metrics {
                let scope = of_scope(inner.scope.as_ref());
                inner.metrics.retain_mut(|metric| {
                    let mut left = false;
                    with_points!(&mut metric.data, |of_kind| {
                        of_kind.data_points.retain(|point| {
                            let levels = &[&point.attributes[..], scope, resource];
                            keep(&Item { levels, event_name: "", trace_id: &[], bytes: point.encoded_len() })
                        });
                        left = !of_kind.data_points.is_empty();
                    });
                    left
                });
            }
            outer.scope_metrics.retain(|inner| !inner.metrics.is_empty());
        }
        self.resource_metrics.retain(|outer| !outer.scope_metrics.is_empty());
    }
}
