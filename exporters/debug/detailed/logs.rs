use pipeline::proto::LogsRequest;
use pipeline::proto::logs::v1::LogRecord;

use super::{Text, line, value, word};
use crate::debug::go;

const SEVERITIES: [&str; 25] = [
    "Unspecified",
    "Trace",
    "Trace2",
    "Trace3",
    "Trace4",
    "Debug",
    "Debug2",
    "Debug3",
    "Debug4",
    "Info",
    "Info2",
    "Info3",
    "Info4",
    "Warn",
    "Warn2",
    "Warn3",
    "Warn4",
    "Error",
    "Error2",
    "Error3",
    "Error4",
    "Fatal",
    "Fatal2",
    "Fatal3",
    "Fatal4",
];

pub fn logs(request: &LogsRequest) -> String {
    let mut text = Text::default();
    for (index, outer) in request.resource_logs.iter().enumerate() {
        line!(text, "ResourceLog #{index}");
        text.resource(&outer.schema_url, outer.resource.as_ref());
        for (index, inner) in outer.scope_logs.iter().enumerate() {
            line!(text, "ScopeLogs #{index}");
            text.scope("ScopeLogs", &inner.schema_url, inner.scope.as_ref());
            for (index, record) in inner.log_records.iter().enumerate() {
                line!(text, "LogRecord #{index}");
                text.record(record);
            }
        }
    }
    text.0
}

impl Text {
    fn record(&mut self, record: &LogRecord) {
        line!(self, "ObservedTimestamp: {}", go::time(record.observed_time_unix_nano));
        line!(self, "Timestamp: {}", go::time(record.time_unix_nano));
        line!(self, "SeverityText: {}", record.severity_text);
        let number = record.severity_number;
        line!(self, "SeverityNumber: {}({number})", word(&SEVERITIES, number));
        if !record.event_name.is_empty() {
            line!(self, "EventName: {}", record.event_name);
        }
        line!(self, "Body: {}", value(record.body.as_ref()));
        self.attributes("Attributes", &record.attributes);
        line!(self, "Trace ID: {}", go::id(&record.trace_id));
        line!(self, "Span ID: {}", go::id(&record.span_id));
        line!(self, "Flags: {}", record.flags);
    }
}
