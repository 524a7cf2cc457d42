//! Log records as documents.

use pipeline::proto::LogsRequest;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::logs::v1::LogRecord;

use super::documents::{Action, Builder};
use super::encoder::Encoder;
use super::json::Json;
use super::otel::{self, Maps};
use super::route::{self, Index};
use super::settings::Mode;

/// Adds a document for each record.
pub fn add(encoder: &Encoder, mode: Mode, request: &LogsRequest, to: &mut Builder) {
    let mut item = 0;
    for resource_logs in &request.resource_logs {
        let resource = resource_logs.resource.clone().unwrap_or_default();
        for scope_logs in &resource_logs.scope_logs {
            let scope = scope_logs.scope.clone().unwrap_or_default();
            let mode = encoder.mode(&scope.attributes, mode);
            let router = encoder.router(pipeline::Signal::Logs, mode);
            let router = router.within(&resource.attributes, &scope.attributes, &scope.name);
            let schemas = (resource_logs.schema_url.as_str(), scope_logs.schema_url.as_str());
            let around = otel::surroundings((&resource, schemas.0), (&scope, schemas.1), Maps::Nested);
            for record in &scope_logs.log_records {
                let index = router.index(&record.attributes);
                let action = encoder.log_action(&record.attributes);
                match (mode, body_map(record)) {
                    (Mode::Bodymap, Some(map)) => to.add(&index, &action, &[item], |json| members(json, map)),
                    (Mode::Bodymap, None) => to.drop("body is no map", 1),
                    _ => to.add(&index, &action, &[item], |json| document(json, record, &index, &around)),
                }
                item += 1;
            }
        }
    }
}

fn document(json: &mut Json, record: &LogRecord, index: &Index, around: &[u8]) {
    let time = if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
    json.time_member("@timestamp", time);
    json.time_member("observed_timestamp", record.observed_time_unix_nano);
    otel::data_stream(json, index);
    json.text_member("severity_text", &record.severity_text);
    json.count_member("severity_number", record.severity_number);
    json.id_member("trace_id", &record.trace_id);
    json.id_member("span_id", &record.span_id);
    otel::attributes(json, &record.attributes, Maps::Nested);
    json.count_member("dropped_attributes_count", record.dropped_attributes_count);
    let event_name = Some(record.event_name.as_str()).filter(|name| !name.is_empty());
    let event_name = event_name.or_else(|| route::text(&record.attributes, "event.name"));
    json.text_member("event_name", event_name.unwrap_or_default());
    json.fragment(around);
    if let Some(value) = record.body.as_ref().and_then(|body| body.value.as_ref()) {
        json.key("body");
        json.object(|json| body(json, value));
    }
}

/// A list is written as it is only if all in it are maps: a field cannot hold objects and values.
fn body(json: &mut Json, value: &Value) {
    match value {
        Value::KvlistValue(_) => {
            json.key("structured");
            json.value(Some(value), false);
        }
        Value::ArrayValue(list) => {
            let is_map = |any: &pipeline::proto::common::v1::AnyValue| matches!(any.value, Some(Value::KvlistValue(_)));
            json.key("structured");
            if list.values.iter().all(is_map) {
                return json.value(Some(value), false);
            }
            json.object(|json| {
                json.key("value");
                json.value(Some(value), false);
            });
        }
        _ => {
            json.key("text");
            json.value(Some(value), false);
        }
    }
}

fn body_map(record: &LogRecord) -> Option<&[KeyValue]> {
    match record.body.as_ref()?.value.as_ref()? {
        Value::KvlistValue(map) => Some(&map.values),
        _ => None,
    }
}

fn members(json: &mut Json, map: &[KeyValue]) {
    let mut inner = Json::default();
    inner.map(map);
    let object = inner.bytes();
    json.fragment(&object[1..object.len() - 1]);
}

/// What of a record's attributes stands in the action.
impl Encoder {
    fn log_action<'a>(&self, attributes: &'a [KeyValue]) -> Action<'a> {
        let id = if self.logs_dynamic_id { route::text(attributes, route::DOCUMENT_ID) } else { None };
        let pipeline = if self.logs_dynamic_pipeline { route::text(attributes, route::PIPELINE) } else { None };
        Action { id, pipeline, ..Action::default() }
    }
}
