use pipeline::proto::TracesRequest;
use pipeline::proto::trace::v1::Span;
use pipeline::proto::trace::v1::span::{Event, Link};

use super::{Text, line, word};
use crate::debug::go;

const KINDS: [&str; 6] = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];
const CODES: [&str; 3] = ["Unset", "Ok", "Error"];

pub fn traces(request: &TracesRequest) -> String {
    let mut text = Text::default();
    for (index, outer) in request.resource_spans.iter().enumerate() {
        line!(text, "ResourceSpans #{index}");
        text.resource(&outer.schema_url, outer.resource.as_ref());
        for (index, inner) in outer.scope_spans.iter().enumerate() {
            line!(text, "ScopeSpans #{index}");
            text.scope("ScopeSpans", &inner.schema_url, inner.scope.as_ref());
            for (index, span) in inner.spans.iter().enumerate() {
                line!(text, "Span #{index}");
                text.span(span);
            }
        }
    }
    text.0
}

impl Text {
    fn span(&mut self, span: &Span) {
        self.named("Trace ID", go::id(&span.trace_id));
        self.named("Parent ID", go::id(&span.parent_span_id));
        self.named("ID", go::id(&span.span_id));
        self.named("Name", &span.name);
        self.named("Kind", word(&KINDS, span.kind));
        if !span.trace_state.is_empty() {
            self.named("TraceState", &span.trace_state);
        }
        self.named("Start time", go::time(span.start_time_unix_nano));
        self.named("End time", go::time(span.end_time_unix_nano));
        let status = span.status.clone().unwrap_or_default();
        self.named("Status code", word(&CODES, status.code));
        self.named("Status message", status.message);
        self.named("DroppedAttributesCount", span.dropped_attributes_count);
        self.named("DroppedEventsCount", span.dropped_events_count);
        self.named("DroppedLinksCount", span.dropped_links_count);
        self.attributes("Attributes", &span.attributes);
        self.events(&span.events);
        self.links(&span.links);
    }

    fn events(&mut self, events: &[Event]) {
        if !events.is_empty() {
            line!(self, "Events:");
        }
        for (index, event) in events.iter().enumerate() {
            line!(self, "SpanEvent #{index}");
            line!(self, "     -> Name: {}", event.name);
            line!(self, "     -> Timestamp: {}", go::time(event.time_unix_nano));
            line!(self, "     -> DroppedAttributesCount: {}", event.dropped_attributes_count);
            self.attributes("     -> Attributes:", &event.attributes);
        }
    }

    fn links(&mut self, links: &[Link]) {
        if !links.is_empty() {
            line!(self, "Links:");
        }
        for (index, link) in links.iter().enumerate() {
            line!(self, "SpanLink #{index}");
            line!(self, "     -> Trace ID: {}", go::id(&link.trace_id));
            line!(self, "     -> ID: {}", go::id(&link.span_id));
            line!(self, "     -> TraceState: {}", link.trace_state);
            line!(self, "     -> DroppedAttributesCount: {}", link.dropped_attributes_count);
            self.attributes("     -> Attributes:", &link.attributes);
        }
    }
}
