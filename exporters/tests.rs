//! What several exporters' tests are built from.

pub mod server;

use std::sync::Arc;

use pipeline::component::BuildContext;
use pipeline::proto::MetricsRequest;
use pipeline::proto::common::v1::{AnyValue, KeyValue, any_value::Value};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use pipeline::proto::resource::v1::Resource;
use pipeline::{Batch, Origin, Telemetry};

pub fn context() -> BuildContext {
    BuildContext::new("test".parse().unwrap(), Telemetry::new("test"))
}

pub fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}

pub fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric {
        name: name.into(),
        unit: unit.into(),
        description: format!("About {name}."),
        data: Some(data),
        ..Metric::default()
    }
}

pub fn metrics(resource: Vec<KeyValue>, metrics: Vec<Metric>) -> Batch {
    let resource = Some(Resource { attributes: resource, ..Resource::default() });
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
    Batch::new(MetricsRequest { resource_metrics }, Arc::new(Origin::default()))
}
