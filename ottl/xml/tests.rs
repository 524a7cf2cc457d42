//! Texts that somebody wrote to make us work for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline::Batch;
use pipeline::otlp::{schema, walk as walk_wire};
use pipeline::proto::LogsRequest;
use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

use crate::{Context, Prefix, walk};

const MANY: usize = 60_000;
/// What takes a time that grows with the square of these takes minutes.
const LIMIT: Duration = Duration::from_secs(20);

/// How long it takes, and whether it worked. What it made can be sent.
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
    let time = begin.elapsed();
    let sent = walk_wire(&schema::LOGS_REQUEST, &Batch::new(request, Arc::default()).encode());
    assert_eq!(sent, Ok(1), "{call}");
    (time, worked)
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
fn what_is_nested_too_deeply_to_be_read_again_is_not_made() {
    let tags = |depth: usize| format!("{}x{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let lists = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let maps = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for (call, text, deepest) in [
        ("ParseXML(log.body)", &tags as &dyn Fn(usize) -> String, 16),
        ("ParseSimplifiedXML(log.body)", &tags, 26),
        ("ParseJSON(log.body)", &lists, 40),
        ("ParseJSON(log.body)", &maps, 26),
    ] {
        assert!(run(call, text(deepest)).1, "{call}");
        for depth in [deepest + 1, 120, 990, 2_000] {
            assert!(!run(call, text(depth)).1, "{call}: {depth}");
        }
    }
    assert!(run("InsertXML(log.body, \"//a\", log.body)", tags(40)).1);
}
