use crate::SetKey;
use crate::otlp::json;
use crate::proto::LogsRequest;
use prost::Message;

/// The key of the attributes in this JSON list.
fn key(attributes: &str) -> SetKey {
    let text = format!(r#"{{"resourceLogs":[{{"resource":{{"attributes":{attributes}}}}}]}}"#);
    let bytes = json::read(crate::Signal::Logs.schema(), text.as_bytes()).unwrap();
    let request = LogsRequest::decode(&*bytes).unwrap();
    SetKey::of(&request.resource_logs[0].resource.as_ref().unwrap().attributes)
}

#[test]
fn equal_sets_have_one_key_in_any_order() {
    let one = r#"[{"key":"a","value":{"intValue":"1"}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"x","value":{"boolValue":true}},{"key":"y"}]}}}]"#;
    let other = r#"[{"key":"m","value":{"kvlistValue":{"values":[{"key":"y"},{"key":"x","value":{"boolValue":true}}]}}},{"key":"a","value":{"intValue":"1"}}]"#;
    assert_eq!(key(one), key(other));
}

#[test]
fn sets_that_differ_in_keys_kinds_or_values_have_different_keys() {
    let sets = [
        "[]",
        r#"[{"key":"a"}]"#,
        r#"[{"key":"a","value":{"stringValue":""}}]"#,
        r#"[{"key":"a","value":{"stringValue":"1"}}]"#,
        r#"[{"key":"a","value":{"intValue":"1"}}]"#,
        r#"[{"key":"a","value":{"doubleValue":1}}]"#,
        r#"[{"key":"a","value":{"boolValue":true}}]"#,
        r#"[{"key":"a","value":{"bytesValue":"MQ=="}}]"#,
        r#"[{"key":"a","value":{"arrayValue":{"values":[{"stringValue":"1"}]}}}]"#,
        r#"[{"key":"a","value":{"kvlistValue":{"values":[{"key":"1"}]}}}]"#,
        r#"[{"key":"ab","value":{"stringValue":"c"}}]"#,
        r#"[{"key":"a","value":{"stringValue":"bc"}}]"#,
        r#"[{"key":"a"},{"key":"b"}]"#,
    ];
    let keys: std::collections::HashSet<_> = sets.iter().map(|set| key(set)).collect();
    assert_eq!(keys.len(), sets.len());
}
