//! The table, and what several processors' tests are built from.

use std::sync::Arc;

use pipeline::component::Configured;
use pipeline::proto::LogsRequest;
use pipeline::proto::common::v1::{AnyValue, KeyValue, any_value::Value};
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use pipeline::proto::resource::v1::Resource;
use pipeline::{Batch, Origin, Telemetry};

pub fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}

/// One resource per container, each with so many records.
pub fn logs(containers: &[(&str, usize)]) -> Batch {
    let resource_logs = containers.iter().map(|(id, records)| {
        let log_records = vec![LogRecord { event_name: "drop".into(), ..LogRecord::default() }; *records];
        ResourceLogs {
            resource: Some(Resource { attributes: vec![attribute("container.id", id)], ..Resource::default() }),
            scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }
    });
    Batch::new(LogsRequest { resource_logs: resource_logs.collect() }, Arc::new(Origin::default()))
}

/// Own metrics as one line of JSON.
pub fn counted(telemetry: &Telemetry) -> String {
    let mut text = Vec::new();
    Batch::new(telemetry.snapshot().unwrap(), Arc::default()).write_json(&mut text).unwrap();
    String::from_utf8(text).unwrap()
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
