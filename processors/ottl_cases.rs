//! The table of cases that a real Collector has confirmed.

#[path = "../tests/ottl/spelled.rs"]
mod spelled;

use std::path::PathBuf;

use pipeline::component::{BuildContext, Processor, Verdict};
use pipeline::otlp::json;
use pipeline::{Batch, Signal, Telemetry};
use serde_json::Value;

fn read(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/ottl").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// What a processor makes of an input, as JSON.
fn run(kind: &str, node: &config::Node, signal: Signal, input: &str) -> String {
    let factory = crate::ALL.iter().find(|factory| factory.name == kind).unwrap();
    let mut decoder = config::Decoder::default();
    let settings = (factory.decode)(node, &mut decoder);
    settings.validate(&mut decoder);
    assert_eq!(decoder.finish().to_string(), "");
    let cx = BuildContext::new(kind.parse().unwrap(), Telemetry::new("test"));
    let Processor::Transform(processor) = settings.build(cx).unwrap() else { panic!("not a transform") };
    let bytes = json::read(signal.schema(), input.as_bytes()).unwrap();
    let batch = Batch::received(signal, bytes.into(), Default::default()).unwrap();
    match processor.apply(batch) {
        Verdict::Pass(batch) => {
            let mut out = Vec::new();
            batch.write_json(&mut out).unwrap();
            String::from_utf8(out).unwrap()
        }
        Verdict::Empty => "{}".to_owned(),
        Verdict::PassLater(..) => panic!("nothing makes it wait"),
        // Then nothing comes out of the Collector either.
        Verdict::Reject(_) => "{}".to_owned(),
    }
}

/// Without what is left to the writer: the order of keys, empty values.
fn normal(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(normal).collect();
            if items.iter().all(|item| item.get("key").is_some()) {
                items.sort_by_key(|item| item["key"].as_str().unwrap().to_owned());
            }
            Value::Array(items)
        }
        Value::Object(map) => {
            let empty = |value: &Value| match value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(map) => map.is_empty(),
                Value::String(text) => text.is_empty() || text == "0",
                Value::Number(number) => number.as_f64() == Some(0.0),
                Value::Bool(truth) => !truth,
            };
            let plain = |key: &str| key.ends_with("Value");
            let entries = map.into_iter().map(|(key, value)| (key, normal(value)));
            Value::Object(entries.filter(|(key, value)| plain(key) || !empty(value)).collect())
        }
        // 7 and 7.0 are the same number.
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        other => other,
    }
}

#[test]
fn every_case_comes_out_as_from_the_real_collector() {
    let cases = config::parse(&read("cases.yaml"), &"cases".into()).unwrap();
    let expected: Value = serde_json::from_str(&read("expected.json")).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for signal in Signal::ALL {
        let Some(config::Value::Map(rows)) = cases.get(signal.name()).map(|rows| &rows.value) else { continue };
        let input = read(&format!("{}.json", signal.name()));
        for (name, row) in rows {
            let config::Value::Map(row) = &row.value else { panic!("{name}") };
            let (kind, node) = row.first().unwrap();
            let got = run(kind, node, signal, &input);
            let got = normal(spelled::spelled(serde_json::from_str(&got).unwrap()));
            let want = normal(expected[signal.name()][name].clone());
            count += 1;
            if got != want {
                wrong.push(format!("{} {name}:\n  want {want}\n  got  {got}", signal.name()));
            }
        }
    }
    assert!(count >= 200, "{count} cases");
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}
