//! The table, and what several exporters' tests are built from.

pub mod server;

use std::sync::Arc;

use pipeline::component::{BuildContext, Configured};
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

#[test]
fn folders_and_table_agree_and_every_sample_is_taken_by_its_own_factory() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(here).unwrap().map(|e| e.unwrap().path()).filter(|p| p.join("mod.rs").exists());
    let mut folders: Vec<_> = folders.map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    folders.sort();
    assert_eq!(folders, super::ALL.iter().map(|f| f.name).collect::<Vec<_>>());
    for factory in super::ALL {
        let mut decoder = config::Decoder::default();
        let node = config::parse(factory.sample, &"sample".into()).unwrap();
        let config = (factory.decode)(&node, &mut decoder);
        Configured::validate(&*config, &mut decoder);
        assert!(decoder.finish().0.is_empty(), "{}", factory.name);
    }
}
