//! Texts that somebody wrote to make us work for long.

use std::time::{Duration, Instant};

use pipeline::proto::LogsRequest;
use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

use crate::{Context, Prefix, walk};

const MANY: usize = 60_000;
/// What takes a time that grows with the square of these takes minutes.
const LIMIT: Duration = Duration::from_secs(20);

/// How long it takes, and whether it worked.
fn run(call: &str, body: String) -> (Duration, bool) {
    let statement = format!("set(log.attributes[\"made\"], {call})");
    let statement = crate::statement(&statement, Context::Log, Prefix::Required).unwrap();
    let body = AnyValue { value: Some(Value::StringValue(body)) };
    let log_records = vec![LogRecord { body: Some(body), ..LogRecord::default() }];
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let mut request = LogsRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] };
    let (begin, mut worked) = (Instant::now(), false);
    walk::visit(&mut request, Context::Log, &mut |target| {
        worked = statement.apply(target).is_ok();
        Ok(())
    })
    .unwrap();
    (begin.elapsed(), worked)
}

#[test]
fn a_text_takes_no_longer_than_its_length_lets_expect() {
    let numbered = |one: &dyn Fn(usize) -> String| (0..MANY).map(one).collect::<String>();
    let attributes = format!("<a {}/>", numbered(&|n| format!("a{n}='' ")));
    let elements = format!("<a>{}</a>", "<b/>".repeat(MANY));
    let prefixes = format!("<a {}>{}</a>", numbered(&|n| format!("xmlns:p{n}='u' ")), "<b/>".repeat(MANY));
    let instruction = format!("<a/><?i {}?>", numbered(&|n| format!("a{n}=1 ")));
    let url = format!("<a xmlns='{}'>{}</a>", "u".repeat(1_000_000), "<b/>".repeat(MANY));
    for (call, body) in [
        ("ParseXML(log.body)", &attributes),
        ("ConvertAttributesToElementsXML(log.body)", &attributes),
        ("RemoveXML(log.body, \"//@*\")", &attributes),
        ("RemoveXML(log.body, \"//b\")", &elements),
        ("GetXML(log.body, \"//b | //b\")", &elements),
        ("GetXML(log.body, \"/a/@p1\")", &prefixes),
        ("GetXML(log.body, \"/a\")", &instruction),
        ("GetXML(log.body, \"/none\")", &url),
        ("ParseLEEF(log.body)", &format!("LEEF:1.0|a|b|c|d|{}", numbered(&|n| format!("k{n}=1\t")))),
        ("ParseKeyValue(log.body)", &numbered(&|n| format!("k{n}=1 ")).trim_end().to_owned()),
    ] {
        let (time, worked) = run(call, body.clone());
        assert!(worked && time < LIMIT, "{call}: {time:?}, {worked}");
    }
}

#[test]
fn what_lies_deep_is_written_and_sent_or_refused() {
    let deep = |depth: usize| format!("{}x{}", "<a>".repeat(depth), "</a>".repeat(depth));
    for call in ["ParseXML(log.body)", "ParseSimplifiedXML(log.body)", "InsertXML(log.body, \"//a\", log.body)"] {
        assert!(run(call, deep(40)).1, "{call}");
        assert!(!run(call, deep(2_000)).1, "{call}");
    }
}
