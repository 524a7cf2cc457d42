use config::{Decode, Decoder};
use pipeline::Origin;
use pipeline::proto::common::v1::KeyValue;

use super::{Action, Steps};
use pipeline::value_of;

fn actions(text: &str) -> (Vec<Action>, Decoder) {
    let mut decoder = Decoder::default();
    let node = config::parse(text, &"test".into()).unwrap();
    let actions = Vec::<Action>::decode(&node, Vec::new(), &mut decoder);
    actions.validate(&mut decoder);
    (actions, decoder)
}

/// Attributes from a YAML map.
fn attributes(text: &str) -> Vec<KeyValue> {
    let node = config::parse(text, &"test".into()).unwrap();
    let config::Value::Map(map) = node.value else { panic!("no map") };
    map.iter()
        .map(|(key, node)| KeyValue { key: key.clone(), value: Some(value_of(node)), ..KeyValue::default() })
        .collect()
}

#[track_caller]
fn check(text: &str, before: &str, after: &str) {
    let (actions, decoder) = actions(text);
    assert_eq!(decoder.finish().to_string(), "");
    let mut found = attributes(before);
    let metadata = vec![("tenant".to_owned(), "a".to_owned()), ("tenant".into(), "b".into())];
    let origin = Origin { metadata, peer: Some("10.0.0.1:5".parse().unwrap()), ..Origin::default() };
    Steps::new(&actions).unwrap().apply(&mut found, &origin);
    assert_eq!(found, attributes(after));
}

#[test]
fn insert_update_and_upsert_differ_in_what_they_find() {
    check("[{key: a, action: insert, value: 1}, {key: b, action: insert, value: 1}]", "{a: 0}", "{a: 0, b: 1}");
    check("[{key: a, action: update, value: 1}, {key: b, action: UPDATE, value: 1}]", "{a: 0}", "{a: 1}");
    check("[{key: a, action: upsert, value: 1}, {key: b, action: upsert, value: 1}]", "{a: 0}", "{a: 1, b: 1}");
}

#[test]
fn a_value_may_be_of_any_type() {
    let values = "{a: x, b: true, c: 1.5, d: [1, two], e: {f: {g: 7}}}";
    check(&format!("[{{key: k, action: upsert, value: {values}}}]"), "{}", &format!("{{k: {values}}}"));
}

#[test]
fn a_value_comes_from_another_attribute_or_the_client_or_the_default_and_else_nothing_happens() {
    check("[{key: b, action: insert, from_attribute: a}]", "{a: [1]}", "{a: [1], b: [1]}");
    check("[{key: b, action: insert, from_attribute: c}]", "{a: 1}", "{a: 1}");
    check("[{key: b, action: insert, from_attribute: c, default_value: 2}]", "{a: 1}", "{a: 1, b: 2}");
    check("[{key: t, action: insert, from_context: metadata.Tenant}]", "{}", "{t: a;b}");
    check("[{key: t, action: insert, from_context: client.address}]", "{}", "{t: 10.0.0.1}");
    check("[{key: t, action: insert, from_context: metadata.x}]", "{}", "{}");
}

#[test]
fn delete_takes_a_key_or_a_pattern_or_both() {
    check("[{key: a, action: delete}]", "{a: 1, b: 2}", "{b: 2}");
    check(r"[{key: z, pattern: '^k8s\.', action: delete}]", "{k8s.x: 1, xk8s.y: 2, z: 3}", "{xk8s.y: 2}");
}

#[test]
fn hashes_are_those_of_the_collector() {
    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    check("[{key: a, action: hash}]", "{a: hello, b: hello}", &format!("{{a: {hello}, b: hello}}"));
    let one = "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a";
    check("[{pattern: a, action: hash}]", "{aa: true, ba: [1], c: 1}", &format!("{{aa: {one}, ba: '', c: 1}}"));
}

#[test]
fn extract_sets_an_attribute_for_each_named_group() {
    let action = r"[{key: a, action: extract, pattern: '^(?P<x>\w+)/(?P<y>\w+)?'}]";
    check(action, "{a: one/two, y: old}", "{a: one/two, y: two, x: one}");
    check(action, "{a: one/, y: old}", "{a: one/, y: '', x: one}");
    check(action, "{a: none}", "{a: none}");
    check(action, "{a: 5}", "{a: 5}");
}

#[test]
fn convert_changes_what_can_be_read_as_the_other_type() {
    let to = |target| format!("[{{key: a, action: convert, converted_type: {target}}}]");
    for (before, after) in [("'12'", "12"), ("1.9", "1"), ("true", "1"), ("x", "x"), ("[1]", "[1]")] {
        check(&to("int"), &format!("{{a: {before}}}"), &format!("{{a: {after}}}"));
    }
    for (before, after) in [("'1.5'", "1.5"), ("3", "3.0"), ("x", "x")] {
        check(&to("double"), &format!("{{a: {before}}}"), &format!("{{a: {after}}}"));
    }
    let texts = [("1", "1"), ("true", "true"), ("1.5", "1.5"), ("1e21", "1e+21"), ("{b: [1, x]}", r#"{"b":[1,"x"]}"#)];
    for (before, after) in texts {
        check(&to("string"), &format!("{{a: {before}}}"), &format!("{{a: '{after}'}}"));
    }
}

#[test]
fn what_an_action_does_not_use_or_lacks_is_an_error_with_its_path() {
    for (text, wanted) in [
        ("[{key: a, value: 1}]", "0::action: must be set"),
        ("[{key: a, action: insrt, value: 1}]", "did you mean \"insert\"?"),
        ("[{action: insert, value: 1}]", "0::key: must be set"),
        ("[{action: delete}]", "0::key: must be set"),
        ("[{key: a, action: insert}]", "needs one of value"),
        ("[{key: a, action: insert, value: 1, from_attribute: b}]", "only one of value and from_attribute"),
        ("[{key: a, action: insert, value: 1, pattern: x}]", "0::pattern: only delete"),
        ("[{key: a, action: insert, value: 1, converted_type: int}]", "0::converted_type: action insert does not"),
        ("[{key: a, action: insert, value: 18446744073709551615}]", "0::value: 18446744073709551615 is out"),
        ("[{key: a, action: delete, value: 1}]", "0::value: action delete does not use it"),
        ("[{pattern: '(', action: hash}]", "0::pattern: is no regular expression: unclosed group"),
        ("[{key: a, action: extract}]", "0::pattern: must be set"),
        ("[{key: a, action: extract, pattern: x}]", "0::pattern: has no named group"),
        ("[{key: a, action: extract, pattern: '(?P<a>x)(y)'}]", "0::pattern: has a group without a name"),
        ("[{key: a, action: convert}]", "0::converted_type: must be set"),
        ("[{key: a, action: convert, converted_type: float}]", "unknown converted_type \"float\""),
    ] {
        let found = actions(text).1.finish().to_string();
        assert!(found.contains(wanted) && found.lines().count() == 1, "{text}: {found}");
    }
}

#[test]
fn an_empty_variable_is_null_and_null_is_no_value() {
    let mut node = config::parse("[{key: a, action: insert, value: '${env:X:-}'}]", &"test".into()).unwrap();
    struct Nothing;
    impl config::Environment for Nothing {
        fn variable(&self, _: &str) -> Option<String> {
            None
        }
        fn file(&self, _: &str) -> std::io::Result<String> {
            Err(std::io::ErrorKind::NotFound.into())
        }
        fn page(&self, _: &str) -> Result<String, String> {
            Err("there is nothing".into())
        }
    }
    config::expand(&mut node, &Nothing).unwrap();
    let mut decoder = Decoder::default();
    Vec::<Action>::decode(&node, Vec::new(), &mut decoder).validate(&mut decoder);
    let found = decoder.finish().to_string();
    assert!(found.starts_with("0::value: null is no value"), "{found}");
}
