//! What several processors' tests are built from.

use std::sync::Arc;

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
