//! `opentelemetry.proto.trace.v1`.

use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::{Kind::*, Message, always, items, one, subs};

/// `ExportTraceServiceRequest`.
pub static TRACES_REQUEST: Message =
    Message { name: "ExportTraceServiceRequest", fields: &[subs(1, "resourceSpans", &RESOURCE_SPANS)] };

static RESOURCE_SPANS: Message = Message {
    name: "ResourceSpans",
    fields: &[always(1, "resource", &RESOURCE), subs(2, "scopeSpans", &SCOPE_SPANS), one(3, "schemaUrl", String)],
};

static SCOPE_SPANS: Message = Message {
    name: "ScopeSpans",
    fields: &[always(1, "scope", &SCOPE), items(2, "spans", &SPAN), one(3, "schemaUrl", String)],
};

static SPAN: Message = Message {
    name: "Span",
    fields: &[
        one(1, "traceId", Id(16)),
        one(2, "spanId", Id(8)),
        one(3, "traceState", String),
        one(4, "parentSpanId", Id(8)),
        one(5, "name", String),
        one(6, "kind", Enum(SPAN_KIND)),
        one(7, "startTimeUnixNano", Fixed64),
        one(8, "endTimeUnixNano", Fixed64),
        subs(9, "attributes", &KEY_VALUE),
        one(10, "droppedAttributesCount", Uint32),
        subs(11, "events", &EVENT),
        one(12, "droppedEventsCount", Uint32),
        subs(13, "links", &LINK),
        one(14, "droppedLinksCount", Uint32),
        always(15, "status", &STATUS),
        one(16, "flags", Fixed32),
    ],
};

static EVENT: Message = Message {
    name: "Span.Event",
    fields: &[
        one(1, "timeUnixNano", Fixed64),
        one(2, "name", String),
        subs(3, "attributes", &KEY_VALUE),
        one(4, "droppedAttributesCount", Uint32),
    ],
};

static LINK: Message = Message {
    name: "Span.Link",
    fields: &[
        one(1, "traceId", Id(16)),
        one(2, "spanId", Id(8)),
        one(3, "traceState", String),
        subs(4, "attributes", &KEY_VALUE),
        one(5, "droppedAttributesCount", Uint32),
        one(6, "flags", Fixed32),
    ],
};

static STATUS: Message =
    Message { name: "Status", fields: &[one(2, "message", String), one(3, "code", Enum(STATUS_CODE))] };

static SPAN_KIND: &[(&str, i32)] = &[
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
];

static STATUS_CODE: &[(&str, i32)] = &[("STATUS_CODE_UNSET", 0), ("STATUS_CODE_OK", 1), ("STATUS_CODE_ERROR", 2)];
