//! `opentelemetry.proto.logs.v1`.

use super::common::{ANY_VALUE, KEY_VALUE, RESOURCE, SCOPE};
use super::{Kind::*, Message, always, items, one, sub, subs};

/// `ExportLogsServiceRequest`.
pub static LOGS_REQUEST: Message =
    Message { name: "ExportLogsServiceRequest", fields: &[subs(1, "resourceLogs", &RESOURCE_LOGS)] };

static RESOURCE_LOGS: Message = Message {
    name: "ResourceLogs",
    fields: &[always(1, "resource", &RESOURCE), subs(2, "scopeLogs", &SCOPE_LOGS), one(3, "schemaUrl", String)],
};

static SCOPE_LOGS: Message = Message {
    name: "ScopeLogs",
    fields: &[always(1, "scope", &SCOPE), items(2, "logRecords", &LOG_RECORD), one(3, "schemaUrl", String)],
};

static LOG_RECORD: Message = Message {
    name: "LogRecord",
    fields: &[
        one(1, "timeUnixNano", Fixed64),
        one(2, "severityNumber", Enum(SEVERITY)),
        one(3, "severityText", String),
        sub(5, "body", &ANY_VALUE),
        subs(6, "attributes", &KEY_VALUE),
        one(7, "droppedAttributesCount", Uint32),
        one(8, "flags", Fixed32),
        one(9, "traceId", Id(16)),
        one(10, "spanId", Id(8)),
        one(11, "observedTimeUnixNano", Fixed64),
        one(12, "eventName", String),
    ],
};

static SEVERITY: &[(&str, i32)] = &[
    ("SEVERITY_NUMBER_UNSPECIFIED", 0),
    ("SEVERITY_NUMBER_TRACE", 1),
    ("SEVERITY_NUMBER_TRACE2", 2),
    ("SEVERITY_NUMBER_TRACE3", 3),
    ("SEVERITY_NUMBER_TRACE4", 4),
    ("SEVERITY_NUMBER_DEBUG", 5),
    ("SEVERITY_NUMBER_DEBUG2", 6),
    ("SEVERITY_NUMBER_DEBUG3", 7),
    ("SEVERITY_NUMBER_DEBUG4", 8),
    ("SEVERITY_NUMBER_INFO", 9),
    ("SEVERITY_NUMBER_INFO2", 10),
    ("SEVERITY_NUMBER_INFO3", 11),
    ("SEVERITY_NUMBER_INFO4", 12),
    ("SEVERITY_NUMBER_WARN", 13),
    ("SEVERITY_NUMBER_WARN2", 14),
    ("SEVERITY_NUMBER_WARN3", 15),
    ("SEVERITY_NUMBER_WARN4", 16),
    ("SEVERITY_NUMBER_ERROR", 17),
    ("SEVERITY_NUMBER_ERROR2", 18),
    ("SEVERITY_NUMBER_ERROR3", 19),
    ("SEVERITY_NUMBER_ERROR4", 20),
    ("SEVERITY_NUMBER_FATAL", 21),
    ("SEVERITY_NUMBER_FATAL2", 22),
    ("SEVERITY_NUMBER_FATAL3", 23),
    ("SEVERITY_NUMBER_FATAL4", 24),
];
