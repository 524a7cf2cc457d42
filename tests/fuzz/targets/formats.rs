//! Any text in a log record that functions of OTTL read as XML, CLF, LEEF and what Grok expressions match: they refuse it,
//! or what they make of it can be sent. The first line of the input is an XPath and a Grok expression, the rest is the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ottl::walk;
use ottl::{Context, Prefix};
use pipeline::otlp::{self, schema};
use pipeline::proto::LogsRequest;
use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;

/// `{}` is the first line as a string of OTTL.
const CALLS: [&str; 13] = [
    "ParseCLF(log.body)",
    "ParseCLF(log.body, \"combined\")",
    "ParseLEEF(log.body)",
    "ParseXML(log.body)",
    "ParseSimplifiedXML(log.body)",
    "GetXML(log.body, {})",
    "RemoveXML(log.body, {})",
    "InsertXML(log.body, {}, log.body)",
    "ConvertAttributesToElementsXML(log.body)",
    "ConvertAttributesToElementsXML(log.body, {})",
    "ConvertTextToElementsXML(log.body, {}, \"value\")",
    "ConvertTextToElementsXML(log.body)",
    "ExtractGrokPatterns(log.body, {}, true)",
];

fn record(body: &str) -> LogsRequest {
    let body = AnyValue { value: Some(Value::StringValue(body.to_owned())) };
    let log_records = vec![LogRecord { body: Some(body), ..LogRecord::default() }];
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    LogsRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }
}

fuzz_target!(|text: &str| {
    let (first, body) = text.split_once('\n').unwrap_or((text, text));
    let first = format!("\"{}\"", first.replace('\\', "\\\\").replace('"', "\\\""));
    for call in CALLS {
        let text = format!("set(log.attributes[\"made\"], {})", call.replace("{}", &first));
        let Ok(statement) = ottl::statement(&text, Context::Log, Prefix::Optional) else { continue };
        let mut request = record(body);
        let _ = walk::visit(&mut request, Context::Log, &mut |target| {
            let _ = statement.apply(target);
            Ok(())
        });
        otlp::walk(&schema::LOGS_REQUEST, &request.encode_to_vec()).expect("what was made can be sent");
    }
});
