//! Spans as documents, and their events as documents of their own.

use pipeline::Signal;
use pipeline::proto::TracesRequest;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::proto::trace::v1::span::{Event, Link};
use pipeline::proto::trace::v1::{Span, Status};

use super::documents::{Action, Builder};
use super::encoder::Encoder;
use super::json::Json;
use super::otel::{self, Maps};
use super::route::{self, Index};
use super::settings::Mode;

/// Adds a document for each span and for each event of a span.
pub fn add(encoder: &Encoder, request: &TracesRequest, to: &mut Builder) {
    let mut item = 0;
    for resource_spans in &request.resource_spans {
        let resource = resource_spans.resource.clone().unwrap_or_default();
        for scope_spans in &resource_spans.scope_spans {
            let scope = scope_spans.scope.clone().unwrap_or_default();
            let router = encoder.router(Signal::Traces, Mode::Otel);
            let spans = router.within(&resource.attributes, &scope.attributes, &scope.name);
            let events = encoder.span_events.within(&resource.attributes, &scope.attributes, &scope.name);
            let schemas = (resource_spans.schema_url.as_str(), scope_spans.schema_url.as_str());
            let around = otel::surroundings((&resource, schemas.0), (&scope, schemas.1), Maps::Nested);
            for span in &scope_spans.spans {
                let index = spans.index(&span.attributes);
                let id =
                    if encoder.traces_dynamic_id { route::text(&span.attributes, route::DOCUMENT_ID) } else { None };
                let action = Action { id, ..Action::default() };
                to.add(&index, &action, &[item], |json| document(json, span, &index, &around));
                for event in &span.events {
                    let index = events.index(&event.attributes);
                    let write = |json: &mut Json| event_document(json, span, event, &index, &around);
                    to.add(&index, &Action::default(), &[item], write);
                }
                item += 1;
            }
        }
    }
}

fn document(json: &mut Json, span: &Span, index: &Index, around: &[u8]) {
    json.time_member("@timestamp", span.start_time_unix_nano);
    otel::data_stream(json, index);
    json.id_member("trace_id", &span.trace_id);
    json.id_member("span_id", &span.span_id);
    json.text_member("trace_state", &span.trace_state);
    json.id_member("parent_span_id", &span.parent_span_id);
    json.text_member("name", &span.name);
    json.text_member("kind", kind(span.kind));
    json.key("duration");
    json.plain(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
    otel::attributes(json, &span.attributes, Maps::Nested);
    json.count_member("dropped_attributes_count", span.dropped_attributes_count);
    json.count_member("dropped_events_count", span.dropped_events_count);
    json.key("links");
    json.array(|json| span.links.iter().for_each(|link| json.object(|json| link_members(json, link))));
    json.count_member("dropped_links_count", span.dropped_links_count);
    json.key("status");
    json.object(|json| status(json, span.status.as_ref()));
    json.fragment(around);
}

fn link_members(json: &mut Json, link: &Link) {
    json.id_member("trace_id", &link.trace_id);
    json.id_member("span_id", &link.span_id);
    json.text_member("trace_state", &link.trace_state);
    otel::attributes(json, &link.attributes, Maps::Nested);
    json.count_member("dropped_attributes_count", link.dropped_attributes_count);
}

fn status(json: &mut Json, status: Option<&Status>) {
    let (message, code) = status.map_or(("", 0), |status| (status.message.as_str(), status.code));
    json.text_member("message", message);
    json.text_member("code", ["Unset", "Ok", "Error"].get(code as usize).copied().unwrap_or_default());
}

fn kind(kind: i32) -> &'static str {
    let names = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];
    names.get(kind as usize).copied().unwrap_or_default()
}

fn event_document(json: &mut Json, span: &Span, event: &Event, index: &Index, around: &[u8]) {
    json.time_member("@timestamp", event.time_unix_nano);
    otel::data_stream(json, index);
    json.id_member("trace_id", &span.trace_id);
    json.id_member("span_id", &span.span_id);
    json.count_member("dropped_attributes_count", event.dropped_attributes_count);
    json.text_member("event_name", &event.name);
    let mut attributes = event.attributes.clone();
    if !event.name.is_empty() {
        let value = Some(AnyValue { value: Some(Value::StringValue(event.name.clone())) });
        attributes.retain(|attribute| attribute.key != "event.name");
        attributes.push(KeyValue { key: "event.name".into(), value, ..KeyValue::default() });
    }
    otel::attributes(json, &attributes, Maps::Nested);
    json.fragment(around);
}
